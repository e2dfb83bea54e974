"""Services to measure: this tree's, and another checkout's with this environment's packages."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from benchmarks.speed.generator import Orders, Report, generate
from tests.e2e.server import Server


@dataclass(frozen=True)
class Service:
    """A running service, and the folder where the pictures for it lie."""

    process: psutil.Process
    port: int
    folder: Path

    def file(self, name: str, data: bytes) -> str:
        path = self.folder / name.replace(" ", "-").replace(",", "")
        path.write_bytes(data)
        return str(path)

    def orders(self, files: tuple[str, ...], query: str = "", clients: int = 16, seconds: float = 3.0) -> Orders:
        return Orders(self.port, f"/predict{query}", files, clients, seconds)

    def cost(self, orders: Orders) -> tuple[float, Report]:
        """Milliseconds of processor time per answered picture, by the service and all its processes."""
        generate(replace(orders, seconds=0.5, rate=0.0))
        before = self.cpu_seconds()
        report = generate(orders)
        if report.failed or not report.answered:
            raise RuntimeError(f"{report.failed} requests failed, {report.answered} were answered")
        return (self.cpu_seconds() - before) / report.answered * 1e3, report

    def cpu_seconds(self) -> float:
        times = [one.cpu_times() for one in (self.process, *self.process.children(recursive=True))]
        return sum(time.user + time.system for time in times)

    def resident(self) -> float:
        """MiB, of the process that answers."""
        return float(self.process.memory_info().rss) / (1 << 20)


@contextmanager
def service(old: Path | None = None) -> Iterator[Service]:
    """This tree's service, or the one of the checkout ``old``."""
    environment = {}
    if old is not None:
        source, store = old.resolve() / "service", old.resolve() / "model_store"
        environment = {"PYTHONPATH": os.pathsep.join([str(source)]), "MIEN_STORE": str(store)}
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder), environment) as server:
        yield Service(psutil.Process(server.process.pid), int(urlsplit(server.url).port or 0), Path(folder))
