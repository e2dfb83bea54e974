"""What jobs cost: processor time of a worker and memory; the database's transactions and rows, idle and per segment."""

import argparse
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg

from benchmarks.jobs.clips import write_clip
from benchmarks.jobs.processes import cluster, memory, started, submit, wait_for

_IDLE_SECONDS = 20.0
_QUERY = "SELECT xact_commit + xact_rollback, tup_inserted + tup_updated + tup_deleted FROM pg_stat_database"


def run(options: argparse.Namespace) -> None:
    """Prints the counts."""
    with tempfile.TemporaryDirectory() as folder, cluster() as shared, ExitStack() as stack:
        clip = write_clip(Path(folder, "clip.mp4"), options.seconds, options.width).read_bytes()
        variables = {**shared.variables, "MIEN_SEGMENT_SECONDS": str(options.segment)}
        server = stack.enter_context(started("serve", {**variables, "MIEN_JOB_WORKERS": "0"}))
        server.client.get("/jobs").raise_for_status()
        url = shared.postgres.url

        def idle(name: str) -> float:
            time.sleep(3)
            before = _counts(url)
            time.sleep(_IDLE_SECONDS)
            transactions, rows = (after - first for after, first in zip(_counts(url), before, strict=True))
            print(
                f"{name}, idle: {transactions / _IDLE_SECONDS:.1f} transactions "
                f"and {rows / _IDLE_SECONDS:.1f} rows written a second"
            )
            return transactions / _IDLE_SECONDS

        idle("a service without workers")
        worker = stack.enter_context(started("worker", variables))
        process = psutil.Process(worker.process.pid)
        per_second = idle("and a worker")
        wait_for(server.client, submit(server.client, clip, end="1"))
        idle_memory, used = memory(worker), _processor_seconds(process)
        before, start = _counts(url), time.monotonic()
        segments = wait_for(server.client, submit(server.client, clip), every=2)["segments"]["total"]
        seconds = time.monotonic() - start
        used = _processor_seconds(process) - used
        busy_memory = memory(worker)
        transactions, rows = (after - first for after, first in zip(_counts(url), before, strict=True))
    transactions -= round(per_second * seconds)
    size = f"{options.width} x {options.width * 3 // 4}, {len(clip) / options.seconds / 1000:.0f} kB/s"
    print(f"a job of {options.seconds} s of {size}, {segments} segments, took {seconds:.0f} s")
    print(f"database: {transactions / segments:.1f} transactions and {rows / segments:.1f} rows written per segment")
    print(f"worker: {60 * used / options.seconds:.2f} s of processor time per minute of video")
    print(f"worker: {idle_memory / 2**20:.0f} MiB before, {busy_memory / 2**20:.0f} MiB after")


def _counts(url: str) -> tuple[int, int]:
    time.sleep(1.2)  # PostgreSQL's counters are a second old
    with psycopg.connect(url) as connection:
        row = connection.execute(f"{_QUERY} WHERE datname = current_database()").fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
