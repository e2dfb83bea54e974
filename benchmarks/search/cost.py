"""CPU time of ``POST /predict`` by mode, for a 640x480 picture with one face, beside another tree's default.

    python -m benchmarks.search.cost [--old DIRECTORY] [--requests 300]

``--old`` is a checkout to compare with: its service is started with this environment's packages. Rounds alternate
between the services, so that a busy moment slows all of them.
"""

import argparse
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psutil

from benchmarks.http_latency import photograph
from mien.domain import DetectorMode
from tests.e2e.server import Server

ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", type=Path)
    parser.add_argument("--requests", type=int, default=300)
    arguments = parser.parse_args()
    picture = photograph()
    with ExitStack() as stack:

        def started(environment: dict[str, str]) -> Server:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            return stack.enter_context(Server(folder, environment))

        here = started({})
        ways = {f"detector={mode}": (here, f"/predict?detector={mode}") for mode in DetectorMode}
        if arguments.old is not None:
            source, store = arguments.old.resolve() / "service", arguments.old.resolve() / "model_store"
            old = started({"PYTHONPATH": os.pathsep.join([str(source)]), "MIEN_STORE": str(store)})
            ways["the old default"] = (old, "/predict")
        spent: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, (server, path) in ways.items():
                spent[name].append(milliseconds(server, path, picture, arguments.requests // ROUNDS))
    first = np.median(spent["the old default"]) if arguments.old is not None else None
    for name, times in spent.items():
        middle = float(np.median(times))
        print(f"{name:>20}: {middle:6.2f} ms of CPU" + (f", {middle / first:.2f} x" if first is not None else ""))


def milliseconds(server: Server, path: str, picture: bytes, requests: int) -> float:
    """CPU time per request of the server's process."""
    process = psutil.Process(server.process.pid)
    began = process.cpu_times()
    for _ in range(requests):
        answer = server.client.post(path, content=picture, headers={"content-type": "image/jpeg"})
        assert len(answer.raise_for_status().json()["images"][0]["faces"]) == 1, "the photograph has one face"
    ended = process.cpu_times()
    return (ended.user + ended.system - began.user - began.system) / requests * 1e3


if __name__ == "__main__":
    main()
