"""Start-up time, latency of ``/predict`` over HTTP on an idle machine, and memory.

    python -m benchmarks.http_latency [--requests 1000] [--url http://host:port]

Starts ``mien serve`` on a free port (or uses the one at ``--url``), sends a 640x480 photograph of one face, one request
at a time over one connection, and prints a table. The photograph is scikit-image's astronaut, public domain.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import httpx
import numpy as np
import psutil
import skimage.data

from tests.e2e.server import Server

WARM_UP = 20


@dataclass(frozen=True)
class Row:
    """A row of the table: a value and its limit, if it has one."""

    name: str
    value: float
    unit: str
    limit: float | None = None

    def row(self) -> str:
        verdict = "" if self.limit is None else f"at most {self.limit:g}: {'yes' if self.value <= self.limit else 'NO'}"
        return f"{self.name:<34} {self.value:>9.2f} {self.unit:<4} {verdict}".rstrip()


def photograph() -> bytes:
    """The astronaut in 640x480, as JPEG."""
    pixels = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    width = 640 * 480 // 480
    canvas = cv2.copyMakeBorder(cv2.resize(pixels, (480, 480)), 0, 0, 80, width - 560, cv2.BORDER_REFLECT)
    return cv2.imencode(".jpg", canvas, (cv2.IMWRITE_JPEG_QUALITY, 90))[1].tobytes()


def latencies(client: httpx.Client, picture: bytes, requests: int) -> tuple[np.ndarray, dict[str, float]]:
    """Milliseconds per request as the client measures them, and the mean stage times that the service reports."""
    times: list[float] = []
    stages: dict[str, float] = {}
    for number in range(WARM_UP + requests):
        started = time.perf_counter()
        answer = client.post("/predict", content=picture, headers={"content-type": "image/jpeg"})
        elapsed = (time.perf_counter() - started) * 1000
        body = answer.raise_for_status().json()
        assert len(body["images"][0]["faces"]) == 1, "the photograph has one face"
        if number >= WARM_UP:
            times.append(elapsed)
            for name, value in body["timing_ms"].items():
                stages[name] = stages.get(name, 0.0) + value / requests
    return np.array(times), stages


@contextmanager
def service(url: str | None) -> Iterator[tuple[httpx.Client, Server | None]]:
    """A client, and its server if this program started one."""
    if url is not None:
        with httpx.Client(base_url=url, timeout=60) as client:
            yield client, None
        return
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        yield server.client, server


def measure(url: str | None, requests: int) -> list[Row]:
    """The rows of the table."""
    rows: list[Row] = []
    with service(url) as (client, server):
        if server is not None:
            spent = psutil.Process(server.process.pid).cpu_times()
            rows.append(Row("start to ready", server.ready_seconds, "s", 2.0))
            rows.append(Row("  processor time", spent.user + spent.system, "s"))
        times, stages = latencies(client, photograph(), requests)
        for name, quantile, limit in (("median", 50, 25.0), ("p95", 95, None), ("p99", 99, None)):
            rows.append(Row(f"/predict {name}", float(np.percentile(times, quantile)), "ms", limit))
        rows.extend(Row(f"  {name} (mean)", value, "ms") for name, value in stages.items())
        if server is not None:
            memory = psutil.Process(server.process.pid).memory_info().rss / (1 << 20)
            rows.append(Row(f"resident after {requests + WARM_UP} requests", memory, "MiB", 300.0))
    return rows


def main() -> int:
    """Measure and print; 1 if a limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--url", help="a service that is already running")
    arguments = parser.parse_args()
    load = psutil.getloadavg()[0]
    cores = psutil.cpu_count() or 1
    print(f"{cores} cores, load {load:.1f} before the start{' (NOT idle)' if load > cores / 4 else ''}")
    rows = measure(arguments.url, arguments.requests)
    print("\n".join(row.row() for row in rows))
    return int(any(row.limit is not None and row.value > row.limit for row in rows))


if __name__ == "__main__":
    sys.exit(main())
