"""An hour (or ``--minutes``) of real life at 90 % of capacity: what fails that should not, and what is left behind.

    make soak [MINUTES=60]        # python -m benchmarks.soak [--minutes 60] [--hang-every 60]

Pictures and short clips arrive at random. A worker is made to hang now and then (by ``tests.e2e.hanging``, the service
with one picture that a worker never comes back from), and once per second a client vanishes, in the middle of its
upload or while it waits. Only the requests of hung workers may fail (503 ``worker_lost``); 429 is an answer where the
machine is short of what was measured as its capacity. Descriptors, processes and files are compared idle, before and
after; threads with those of the run's first tenth; memory over the run, after that tenth.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import numpy as np
import psutil
import uvloop

from benchmarks.http_latency import photograph
from benchmarks.load import Answer, Load, Request, post
from tests.e2e import hanging
from tests.e2e.server import Server

_CLIPS = 0.05  # of all requests
_HANG_SECONDS = 4.0
_SETTLE_SECONDS = 15.0  # idle threads end after 10
_SAMPLE_SECONDS = 2.0
_MAX_GROWTH = 0.03


@dataclass(frozen=True)
class State:
    """What the server holds: ``memory`` in bytes (shared pages once), ``files`` in its spool folder."""

    memory: int
    threads: int
    descriptors: int
    processes: int
    files: int

    @classmethod
    def of(cls, process: psutil.Process, spool: Path) -> "State":
        """Now."""
        children = process.children(recursive=True)
        memory = process.memory_full_info().pss
        for child in children:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                memory += child.memory_full_info().pss
        files = sum(len(names) for _, _, names in os.walk(spool))  # passes over what vanishes meanwhile
        return cls(memory, process.num_threads(), process.num_fds(), len(children), files)


@dataclass
class Soak:
    """The load, and what it brings."""

    host: str
    port: int
    requests: list[Request]
    weights: list[float]
    hung: list[Answer] = field(default_factory=list)
    vanished: int = 0

    def choose(self) -> Request:
        """A picture, or now and then a clip."""
        return random.choices(self.requests, self.weights)[0]

    async def hang(self, every: float) -> None:
        """Now and then, a worker that never comes back."""
        load = Load(self.host, self.port)
        request = post("/predict", hanging.stuck_picture(), "image/png")
        while True:
            await asyncio.sleep(every)
            answer = await load.send(request)
            if answer.status != 429:  # there no worker had it
                self.hung.append(answer)

    async def vanish(self) -> None:
        """Once per second, a client that disconnects without a word."""
        while True:
            await asyncio.sleep(1)
            request = self.choose()
            _, writer = await asyncio.open_connection(self.host, self.port)
            writer.write(request[: random.choice((200, len(request) // 2, len(request)))])
            await asyncio.sleep(random.uniform(0, 0.1))
            writer.transport.abort()
            self.vanished += 1


@dataclass
class Watch:
    """Looks at the server's process from time to time."""

    process: psutil.Process
    spool: Path
    states: list[State] = field(default_factory=list)

    def now(self) -> State:
        """What it holds now."""
        return State.of(self.process, self.spool)

    async def run(self) -> None:
        """Look again and again."""
        while True:
            self.states.append(self.now())
            await asyncio.sleep(_SAMPLE_SECONDS)


async def _run(soak: Soak, load: Load, watch: Watch, rate: float, arguments: argparse.Namespace) -> None:
    beside = [
        asyncio.create_task(soak.hang(arguments.hang_every)),
        asyncio.create_task(soak.vanish()),
        asyncio.create_task(load.probe("/health/live", 0.5)),
        asyncio.create_task(watch.run()),
    ]
    await load.open_loop(soak.choose, rate, 60 * arguments.minutes)
    for task in beside:
        task.cancel()
    await asyncio.wait(beside)
    for task in beside:
        assert task.cancelled(), task.exception()


def main() -> int:
    """Run and report; 1 if anything failed or was left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--hang-every", type=float, default=60, help="seconds")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, spool = Path(name), Path(name, "spool")
        spool.mkdir()
        environment = {
            "MIEN_WORKER_HANG_SECONDS": str(_HANG_SECONDS),
            "MIEN_SPOOL_DIR": str(spool),
            hanging.SECONDS: str(3 * _HANG_SECONDS),
        }
        with Server(folder, environment, hanging.COMMAND) as server:
            requests = _requests(folder)
            soak = Soak("127.0.0.1", server.client.base_url.port or 80, requests, [0.9 - _CLIPS, 0.1, _CLIPS])
            warm = Load(soak.host, soak.port)
            capacity = uvloop.run(warm.closed_loop([soak.choose() for _ in range(400)], 16, 20))
            time.sleep(_SETTLE_SECONDS)
            watch = Watch(psutil.Process(server.process.pid), spool)
            before = watch.now()
            print(f"capacity {capacity:.0f}/s; {0.9 * capacity:.0f}/s for {arguments.minutes:g} minutes", flush=True)
            load = Load(soak.host, soak.port)
            uvloop.run(_run(soak, load, watch, 0.9 * capacity, arguments))
            time.sleep(_SETTLE_SECONDS)
            after = watch.now()
            ready = server.client.get("/health/ready").status_code == 200
            ended = server.stop()
    print(f"ready afterwards: {ready}; exit code {ended}")
    clean = _report(soak, load) & _is_as_before(before, after, watch.states) & ready & (ended == 0)
    print("clean" if clean else "NOT clean")
    return int(not clean)


def _clip(path: Path) -> Path:
    """Two seconds of a pan over the photograph."""
    photo = cv2.imdecode(np.frombuffer(photograph(), np.uint8), cv2.IMREAD_COLOR)
    assert photo is not None
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 480, 480, "yuv420p"
        for k in range(50):
            pixels = np.ascontiguousarray(photo[:, 2 * k : 2 * k + 480], np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        file.mux(stream.encode())
    return path


def _requests(folder: Path) -> list[Request]:
    picture = photograph()
    clip = _clip(folder / "clip.mp4").read_bytes()
    return [
        post("/predict", picture, "image/jpeg"),
        post("/predict?detector=accurate", picture, "image/jpeg"),
        post("/analyze-video", clip, "video/mp4"),
    ]


def _report(soak: Soak, load: Load) -> bool:
    counts = Counter(answer.status for answer in load.results.answers)
    failures = sum(count for status, count in counts.items() if status not in {200, 429})
    probe = np.percentile([answer.seconds for answer in load.results.probes], 99)
    print(f"answers {dict(sorted(counts.items()))}, {failures} failed; probe p99 {1e3 * probe:.0f} ms")
    print(f"hung workers' answers {[answer.status for answer in soak.hung]}; {soak.vanished} clients vanished")
    return failures == 0 and all(answer.status == 503 for answer in soak.hung)


def _is_as_before(before: State, after: State, states: list[State]) -> bool:
    memory = [state.memory for state in states[len(states) // 10 :]]
    part = max(1, len(memory) // 10)
    growth = float(np.median(memory[-part:]) / np.median(memory[:part]) - 1)
    medians = [int(np.median(tenth)) >> 20 for tenth in np.array_split([state.memory for state in states], 10)]
    print(f"memory {growth:+.1%}, at most {max(memory) >> 20} MiB, medians of tenths {medians} MiB")
    print(f"before {before}\nafter  {after}")
    return (
        growth <= _MAX_GROWTH
        and after.threads <= max(state.threads for state in states[: len(states) // 10 + 1])
        and after.descriptors <= before.descriptors
        and (after.processes, after.files) == (before.processes, before.files)
    )


if __name__ == "__main__":
    sys.exit(main())
