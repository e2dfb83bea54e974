"""The process is killed at random points of a job, again and again: is the result that of an undisturbed one?"""

import argparse
import random
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.jobs.clips import write_clip
from benchmarks.jobs.processes import CLIP, started, submit, wait_for
from tests.jobs.helpers import comparable, segments_done
from tests.jobs.postgres import binaries, running

_SEGMENTS = 20


def run(options: argparse.Namespace) -> None:
    """Prints what was killed when; stops at the first difference."""
    for database in ("sqlite", "postgresql"):
        for number in range(options.rounds):
            with ExitStack() as stack:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                variables = {"MIEN_DATA_DIR": str(folder / "data"), "MIEN_SEGMENT_SECONDS": "1"}
                if database == "postgresql":
                    found = binaries()
                    if found is None:
                        raise SystemExit("PostgreSQL is not installed (Debian: postgresql).")
                    url = stack.enter_context(running(found)).url
                    variables |= {"MIEN_DATABASE_URL": url, "MIEN_EXECUTOR_ID": "killed"}
                print(f"{database}, round {number + 1}: {_round(folder, variables, options.kills)}", flush=True)


def _round(folder: Path, variables: dict[str, str], kills: int) -> str:
    clip = write_clip(folder / "clip.mp4", 2 + _SEGMENTS, gop=10).read_bytes()
    logs: list[Path] = []
    points: list[int] = []
    job = ""
    for point in sorted(random.choices(range(_SEGMENTS), k=kills)):
        with started("serve", variables) as server:
            job = job or submit(server.client, clip, fps="native")
            while server.client.get(job).json()["segments"]["done"] < point:
                time.sleep(0.02)
            time.sleep(random.uniform(0, 0.3))
            points.append(server.client.get(job).json()["segments"]["done"])
            server.process.kill()
            server.process.wait()
            logs.append(_kept(server.log, folder, len(logs)))
    with started("serve", variables) as server:
        total = wait_for(server.client, job)["segments"]["total"]
        result = server.client.get(f"{job}/result").text
        params = {"mode": "sync", "fps": "native"}
        sync = server.client.post("/analyze-video", content=clip, headers=CLIP, params=params)
        logs.append(_kept(server.log, folder, len(logs)))
    if comparable(result) != comparable(sync.text):
        raise SystemExit(f"The result differs from the answer in a request; killed at {points}.")
    done = segments_done(logs)
    if max(done.values()) > 1:
        raise SystemExit(f"A segment was analysed twice; killed at {points}.")
    return f"{total} segments, killed with {points} of them done; same bytes, none analysed twice"


def _kept(log: Path, folder: Path, number: int) -> Path:
    copy = folder / f"{number}.log"
    copy.write_bytes(log.read_bytes())
    return copy
