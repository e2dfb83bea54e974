"""Mien's service beside the plain one on the same pictures: requests per second, latency and processor time.

    python -m benchmarks.speed.peers.services [--rounds 5] [--seconds 1.5]

Both run at once, each in a process of its own, and are asked in turn by a load generator in another process. Uploads
are multipart. The plain service makes one pass at 320 px: `detector=fast` is what compares with it.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from benchmarks.speed.generator import Orders, generate
from benchmarks.speed.peers.table import markdown, ratio, spread
from benchmarks.speed.pictures import pictures
from tests.e2e.server import Server

CLIENTS = (1, 16)
PICTURES = 2  # of those that are made: the small portrait and the group
_BOUNDARY = "boundary-of-the-benchmark"
MEDIA_TYPE = f"multipart/form-data; boundary={_BOUNDARY}"


@dataclass
class Service:
    """A running service and the path that is asked; ``rates``, ``p50`` and ``cpu`` (ms per answer) by what was asked
    of it, round by round."""

    title: str
    port: int
    path: str
    process: psutil.Process
    rates: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    p50: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    cpu: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    def measure(self, name: str, file: Path, clients: int, seconds: float) -> None:
        """Ask for so many seconds."""
        before = _processor_seconds(self.process)
        report = generate(Orders(self.port, self.path, (str(file),), clients, seconds, media_type=MEDIA_TYPE))
        spent = _processor_seconds(self.process) - before
        assert report.answered, f"{self.title} answered nothing"
        assert not report.failed, f"{self.title} refused {report.failed} requests"
        asked = name, clients
        self.rates.setdefault(asked, []).append(report.answered / report.seconds)
        self.p50.setdefault(asked, []).append(report.p50)
        self.cpu.setdefault(asked, []).append(spent / report.answered * 1e3)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each service, picture and number of connections")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as services:
        files = dict(_uploads(Path(folder)))
        for round_ in range(chosen.rounds + 1):
            for name, file in files.items():
                for clients in CLIENTS:
                    for service in services:
                        service.measure(name, file, clients, chosen.seconds)
            if not round_:  # warm-up
                for service in services:
                    service.rates, service.p50, service.cpu = {}, {}, {}
    print(table(services))


def table(services: list[Service]) -> str:
    """A row per picture, number of connections and service; ratios are over the first service."""
    plain = services[0]
    head = ["picture", "connections", "service", "requests/s", "over plain", "p50, ms", "CPU ms", "of plain's"]
    rows = []
    for asked in plain.rates:
        for service in services:
            cells = [spread(service.rates[asked]), ratio(service.rates[asked], plain.rates[asked])]
            cells += [spread(service.p50[asked]), spread(service.cpu[asked])]
            rows.append([asked[0], str(asked[1]), service.title, *cells, ratio(service.cpu[asked], plain.cpu[asked])])
    return markdown(head, rows)


@contextmanager
def started(folder: Path) -> Iterator[list[Service]]:
    """The plain service and Mien's, which stop when the block ends."""
    with plain_service() as (port, process), Server(folder) as mien:
        ours, our_port = psutil.Process(mien.process.pid), int(mien.url.rsplit(":", 1)[1])
        yield [
            Service("plain, one pass", port, "/predict", psutil.Process(process.pid)),
            Service("Mien, `fast`", our_port, "/predict?detector=fast", ours),
            Service("Mien, `auto`", our_port, "/predict", ours),
        ]


@contextmanager
def plain_service() -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """``plain`` on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--factory", "benchmarks.speed.peers.plain:create_app"]
    process = subprocess.Popen([*command, "--port", str(port), "--log-level", "warning"], env=dict(os.environ))
    try:
        while not _answers(port):
            assert process.poll() is None, "the plain service ended"
            time.sleep(0.05)
        yield port, process
    finally:
        process.terminate()
        process.wait(timeout=20)


def upload(data: bytes) -> bytes:
    """The body of a form whose ``file`` is ``data``."""
    head = 'Content-Disposition: form-data; name="file"; filename="picture.jpg"\r\nContent-Type: image/jpeg'
    return f"--{_BOUNDARY}\r\n{head}\r\n\r\n".encode() + data + f"\r\n--{_BOUNDARY}--\r\n".encode()


def _uploads(folder: Path) -> Iterator[tuple[str, Path]]:
    for number, picture in enumerate(pictures()[:PICTURES]):
        file = folder / f"{number}.form"
        file.write_bytes(upload(picture.data))
        yield picture.name, file


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/openapi.json").status_code == 200
    except httpx.TransportError:
        return False


def _processor_seconds(process: psutil.Process) -> float:
    spent = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(one.user + one.system for one in spent)


if __name__ == "__main__":
    main()
