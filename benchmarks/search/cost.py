"""CPU time of ``POST /predict`` by mode, for a 640x480 picture with one face, beside another tree's default.

    python -m benchmarks.search.cost [--old CHECKOUT]

``--old`` is a checkout to compare with, for instance ``git worktree add /tmp/old 0eec5c4``: its service is started with
this environment's packages. Rounds alternate between the services, and the best of ten rounds counts: other work on the
machine makes the same instructions take longer, never shorter.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil

from benchmarks.http_latency import photograph
from benchmarks.search.table import Bench, Row, run
from mien.domain import DetectorMode
from tests.e2e.server import Server

ROUNDS = 10
REQUESTS = 60  # per round: CPU times are counted in hundredths of a second
MOST = 1.6


def rows(bench: Bench) -> Iterator[Row]:
    picture = photograph()
    with ExitStack() as stack:

        def started(environment: dict[str, str]) -> Server:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            return stack.enter_context(Server(folder, environment))

        here = started({"MIEN_STORE": str(bench.store.resolve())})
        ways = {str(mode): (here, f"/predict?detector={mode}") for mode in DetectorMode}
        ways[DetectorMode.AUTO] = (here, "/predict")
        if bench.old is not None:
            source, store = bench.old.resolve() / "service", bench.old.resolve() / "model_store"
            old = started({"PYTHONPATH": os.pathsep.join([str(source)]), "MIEN_STORE": str(store)})
            ways["old"] = (old, "/predict")
        rounds = [{name: milliseconds(*way, picture) for name, way in ways.items()} for _ in range(ROUNDS)]
    spent = {name: min(each[name] for each in rounds) for name in ways}
    for mode in DetectorMode:
        told, asked, met = f"{spent[mode]:.1f} ms", "", None
        if "old" in spent:
            ratio = spent[mode] / spent["old"]
            told += f", {ratio:.2f} x the old default's {spent['old']:.1f} ms"
            if mode is DetectorMode.AUTO:
                asked, met = f"{MOST} x", ratio <= MOST
        yield Row(f"CPU time of `POST /predict`, 640 x 480, one face, `{mode}`", told, asked, met)


def milliseconds(server: Server, path: str, picture: bytes) -> float:
    """CPU time per request of the server's process."""
    process = psutil.Process(server.process.pid)
    began = process.cpu_times()
    for _ in range(REQUESTS):
        answer = server.client.post(path, content=picture, headers={"content-type": "image/jpeg"})
        assert len(answer.raise_for_status().json()["images"][0]["faces"]) == 1, "the photograph has one face"
    ended = process.cpu_times()
    return float(ended.user + ended.system - began.user - began.system) / REQUESTS * 1e3


if __name__ == "__main__":
    run(__doc__, rows)
