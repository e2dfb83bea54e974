"""What a job costs over an answer in the request, and what a second worker brings."""

import argparse
import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.jobs.clips import write_clip
from benchmarks.jobs.processes import CLIP, cluster, spread, started, submit, wait_for
from tests.e2e.server import MIEN


def overhead(options: argparse.Namespace) -> None:
    """A clip answered in its request, and the same as a job, by turns."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        clip = write_clip(Path(folder, "clip.mp4"), options.seconds, options.width).read_bytes()
        variables = {"MIEN_WORKERS": "1"}  # a request uses one; the segments of a job would use more
        if options.postgresql:
            variables |= stack.enter_context(cluster()).variables
        server = stack.enter_context(started("serve", variables))
        wait_for(server.client, submit(server.client, clip, end="1"))  # opens the database
        sync, jobs = [], []
        for _ in range(options.rounds):
            before = time.perf_counter()
            answer = server.client.post("/analyze-video", content=clip, headers=CLIP, params={"mode": "sync"})
            answer.raise_for_status()
            sync.append(time.perf_counter() - before)
            before = time.perf_counter()
            job = submit(server.client, clip)
            wait_for(server.client, job, every=0.2)  # asked more often, the answers alone take a tenth of the time
            server.client.get(f"{job}/result").raise_for_status()
            jobs.append(time.perf_counter() - before)
    ratios = sorted(job / request for job, request in zip(jobs, sync, strict=True))
    size = f"{options.width} x {options.width * 3 // 4}"
    print(f"a clip of {options.seconds} s, {size}, {options.rounds} rounds, one inference thread")
    print(f"in its request: {spread(sync)}; as a job, with its result: {spread(jobs)}")
    print(f"overhead, median of the rounds: {100 * (ratios[len(ratios) // 2] - 1):+.1f} %")


def scaling(options: argparse.Namespace) -> None:
    """One clip analysed by one worker and by two, each on a core of its own."""
    with tempfile.TemporaryDirectory() as folder, cluster() as shared, ExitStack() as stack:
        clip = write_clip(Path(folder, "clip.mp4"), options.seconds).read_bytes()
        variables = {**shared.variables, "MIEN_JOB_WORKERS": "0", "MIEN_WORKERS": "1"}
        server = stack.enter_context(started("serve", variables))
        seconds: dict[int, list[float]] = {}
        for _ in range(options.rounds):
            for count in (1, 2):
                with ExitStack() as workers:
                    for core in sorted(os.sched_getaffinity(0))[:count]:
                        pinned = ("taskset", "-c", str(core), str(MIEN))
                        workers.enter_context(started("worker", shared.variables, pinned))
                    wait_for(server.client, submit(server.client, clip, end="1"))
                    before = time.perf_counter()
                    wait_for(server.client, submit(server.client, clip), every=0.1)
                    seconds.setdefault(count, []).append(time.perf_counter() - before)
    print(
        f"a clip of {options.seconds} s, {options.rounds} rounds: "
        + ", ".join(f"{count} worker(s) {spread(found)}" for count, found in seconds.items())
    )
    print(f"two over one: {min(seconds[1]) / min(seconds[2]):.2f} times (fastest of the rounds)")
