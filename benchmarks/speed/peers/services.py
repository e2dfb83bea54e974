"""Mien's service beside the plain one on the same pictures: requests per second, latency and processor time.

    python -m benchmarks.speed.peers.services [--rounds 5] [--seconds 1]

Both run at once, each in a process of its own, and are asked in turn by a load generator in another process. Uploads
are multipart. The plain service makes one pass at 320 px: ``detector=fast`` is what compares with it.
"""

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import httpx
import psutil

from benchmarks.speed.generator import Orders, Report
from benchmarks.speed.peers.table import markdown, ratio, spread
from benchmarks.speed.pictures import pictures
from benchmarks.speed.services import Service, service

CLIENTS = (1, 16)
PICTURES = 2  # of those that are made: the small portrait and the group
_BOUNDARY = "boundary-of-the-benchmark"
MEDIA_TYPE = f"multipart/form-data; boundary={_BOUNDARY}"

Asked = tuple[str, int]
"""A picture's name and a number of connections."""


@dataclass(frozen=True)
class Row:
    """A running service, what is asked of it, and what came of that round by round: milliseconds of processor time
    per answer, and the load generator's report."""

    title: str
    service: Service
    query: str
    costs: dict[Asked, list[tuple[float, Report]]] = field(default_factory=lambda: defaultdict(list))

    def rates(self, asked: Asked) -> list[float]:
        return [report.answered / report.seconds for _, report in self.costs[asked]]

    def cpu(self, asked: Asked) -> list[float]:
        return [cpu for cpu, _ in self.costs[asked]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each service, picture and number of connections")
    chosen = parser.parse_args(arguments)
    with plain_service() as plain, service() as mien:
        rows = [
            Row("plain, one pass", plain, ""),
            Row("Mien, `fast`", mien, "?detector=fast"),
            Row("Mien, `auto`", mien, ""),
        ]
        files = {one.name: mien.file(one.name, upload(one.data)) for one in pictures()[:PICTURES]}
        for _, (name, file), clients, row in product(range(chosen.rounds), files.items(), CLIENTS, rows):
            path = f"/predict{row.query}"
            orders = Orders(row.service.port, path, (file,), clients, chosen.seconds, media_type=MEDIA_TYPE)
            row.costs[name, clients].append(row.service.cost(orders))
    print(table(rows))


def table(rows: Sequence[Row]) -> str:
    """A row per picture, number of connections and service; ratios are over the first service."""
    head = [
        "picture",
        "connections",
        "service",
        "requests/s",
        "over plain",
        "median, ms",
        "CPU per request, ms",
        "over plain",
    ]
    cells = []
    for (name, clients), row in product(rows[0].costs, rows):
        rates, cpu = row.rates((name, clients)), row.cpu((name, clients))
        medians = [report.p50 for _, report in row.costs[name, clients]]
        faster = ratio(rates, rows[0].rates((name, clients)))
        dearer = ratio(cpu, rows[0].cpu((name, clients)))
        cells.append([name, str(clients), row.title, spread(rates), faster, spread(medians), spread(cpu), dearer])
    return markdown(head, cells)


@contextmanager
def plain_service() -> Iterator[Service]:
    """``plain`` on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--factory", "benchmarks.speed.peers.plain:create_app"]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([*command, "--port", str(port), "--log-level", "warning"])
        try:
            while not _answers(port):
                assert process.poll() is None, "the plain service ended"
                time.sleep(0.05)
            yield Service(psutil.Process(process.pid), port, Path(folder))
        finally:
            process.terminate()
            process.wait(timeout=20)


def upload(data: bytes) -> bytes:
    """The body of a form whose ``file`` is ``data``."""
    head = 'Content-Disposition: form-data; name="file"; filename="picture.jpg"\r\nContent-Type: image/jpeg'
    return f"--{_BOUNDARY}\r\n{head}\r\n\r\n".encode() + data + f"\r\n--{_BOUNDARY}--\r\n".encode()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/openapi.json").status_code == 200
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    main()
