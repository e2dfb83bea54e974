"""The process: how long it takes to start, and what memory it holds.

python -m benchmarks.speed.processes [--rounds 5] [--long]
"""

import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from benchmarks.process_memory import held_by
from benchmarks.speed.generator import generate
from benchmarks.speed.pictures import Picture, mixed, pictures
from benchmarks.speed.services import Service, service
from benchmarks.speed.table import Asked, Options, Row, run
from tests.e2e.server import Server

_MIXED, _LARGE = 20_000, 1_000
_SHORT = 20  # of so many parts, without --long
_SETTLE = 1.0  # s
_HOUSEKEEPING = 31.0  # s; the service returns free memory to the system every 30


def rows(options: Options) -> Iterator[Row]:
    """Memory is that of the process that answers, with both models, as the system counts it."""
    seconds = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
            seconds.append(server.ready_seconds)
    yield Row("process start to ready", seconds, "s", Asked(1.0, 0.6))
    parts = 1 if options.long else _SHORT
    with service() as here:
        time.sleep(_SETTLE)
        idle = here.resident()
        note = f"{held_by(here.process):.0f} with its decoder processes, what they share counted once"
        yield Row("resident memory, idle", [idle], "MiB", Asked(180, 150), note)
        files = tuple(here.file(f"{n}.jpg", data) for n, data in zip(count(), mixed(options.shared / "data")))
        if files:
            _send(here, files, _MIXED // parts // 10)  # every kind of picture once, and the caches are full
            warm = here.resident()
            _send(here, files, _MIXED // parts)
            growth = 100 * (here.resident() / warm - 1)
            asked = Asked(5, 1) if options.long else None
            yield Row(f"growth by {_MIXED // parts:,} mixed photographs", [growth], "%", asked, f"{warm:.0f} MiB")
    with service() as here:
        large = next(picture for picture in pictures() if picture.name.startswith("12 megapixels"))
        _send(here, (_saved(here, large),), _LARGE // parts)
        busy = here.resident()
        time.sleep(_HOUSEKEEPING)
        asked = Asked(350, 280) if options.long else None
        name = f"resident memory after {_LARGE // parts:,} pictures of 12 megapixels"
        yield Row(name, [here.resident()], "MiB", asked, f"{busy:.0f} at the end of the load, half a minute before")


def _saved(here: Service, picture: Picture) -> str:
    return here.file(f"{picture.name}.jpg", picture.data)


def _send(here: Service, files: tuple[str, ...], pictures: int) -> None:
    sent = 0
    while sent < pictures:
        report = generate(here.orders(files, seconds=5.0))
        if report.failed or not report.answered:
            raise RuntimeError(f"{report.failed} requests failed, {report.answered} were answered")
        sent += report.answered


if __name__ == "__main__":
    run(__doc__, rows)
