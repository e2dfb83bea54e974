"""The processes that are measured, and what is asked of them."""

import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.e2e.server import MIEN, Server
from tests.jobs.object_store import ObjectStore
from tests.jobs.postgres import Postgres, binaries, running

CLIP = {"content-type": "video/mp4"}
refusals: Counter[str] = Counter()
"""How often ``submit`` was told to come back, by the reason."""


@dataclass(frozen=True)
class Cluster:
    """PostgreSQL and an S3-compatible store; ``variables`` are what a process needs to use them."""

    postgres: Postgres
    variables: Mapping[str, str]


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Running in the context."""
    found = binaries()
    if found is None:
        raise SystemExit("PostgreSQL is not installed (Debian: postgresql).")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mien-jobs-")))
        postgres = stack.enter_context(running(found))
        store = stack.enter_context(ObjectStore(folder))
        yield Cluster(postgres, {"MIEN_DATABASE_URL": postgres.url, **store.variables})


@contextmanager
def started(kind: str, variables: Mapping[str, str], command: Sequence[str] = (str(MIEN),)) -> Iterator[Server]:
    """``mien serve`` or ``mien worker`` (``kind``), with data of its own unless the variables say otherwise."""
    with tempfile.TemporaryDirectory(prefix="mien-jobs-") as folder:
        environment = {"MIEN_DATA_DIR": folder, **variables}
        with Server(Path(folder), environment, command, kind) as server:
            server.client.timeout = httpx.Timeout(600)
            try:
                yield server
            except BaseException:
                lines = [line for line in server.log.read_text().splitlines() if '"level": "info"' not in line]
                print(*lines[-5:], sep="\n", file=sys.stderr)
                raise


def submit(client: httpx.Client, clip: bytes, headers: Mapping[str, str] | None = None, **options: str) -> str:
    """The path of a new job."""
    options = {"mode": "async", **options}
    while True:
        response = client.post("/analyze-video", content=clip, headers={**CLIP, **(headers or {})}, params=options)
        if response.status_code not in (429, 503):
            return response.raise_for_status().headers["location"]
        refusals[response.json()["code"]] += 1
        time.sleep(float(response.headers["retry-after"]))


def wait_for(client: httpx.Client, job: str, every: float = 0.02) -> dict[str, Any]:
    """The job, once it has succeeded."""
    while True:
        found: dict[str, Any] = client.get(job).raise_for_status().json()
        if found["state"] not in ("queued", "running"):
            if found["state"] != "succeeded":
                raise SystemExit(f"A job {found['state']}: {found['error']}")
            return found
        time.sleep(every)


def memory(server: Server) -> int:
    """Bytes that the process and its children hold, without what they share."""
    parent = psutil.Process(server.process.pid)
    return sum(one.memory_full_info().uss for one in [parent, *parent.children(recursive=True)])


def spread(seconds: Sequence[float]) -> str:
    """Median and range, as text."""
    return f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"
