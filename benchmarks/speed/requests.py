"""Requests: what the service adds to the limit, when it is idle, busy and overfull.

python -m benchmarks.speed.requests [--rounds 5] [--seconds 3] [--old CHECKOUT]
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

from benchmarks.speed.limit import limit_of
from benchmarks.speed.pictures import pictures
from benchmarks.speed.services import Service, service
from benchmarks.speed.table import Asked, Options, Row, run
from mien.domain import DetectorMode

_OVER_LIMIT = {
    "640 x 480, 1 face": Asked(1.20, 1.08),
    "1080p, 7 faces": Asked(1.12, 1.05),
    "12 megapixels, 2 faces": Asked(1.06, 1.03),
}
_CAPACITY_SHARE = 0.7
_IDLE_SECONDS = 2.0


def rows(options: Options) -> Iterator[Row]:
    """Every figure of a round is taken within a minute, so that they see the same machine."""
    with ExitStack() as stack:
        here = stack.enter_context(service())
        old = None if options.old is None else stack.enter_context(service(options.old))
        yield from _over_limit(here, old, options)
        yield from _loads(here, options)


def _over_limit(here: Service, old: Service | None, options: Options) -> Iterator[Row]:
    for picture in pictures():
        file = here.file(f"{picture.name}.jpg", picture.data)
        for mode in (DetectorMode.AUTO, DetectorMode.FAST):
            told: dict[str, list[float]] = defaultdict(list)
            for _ in range(options.rounds):
                limit = limit_of(picture.data, mode, options.seconds)
                orders = here.orders((file,), f"?detector={mode}", seconds=options.seconds)
                cpu, report = here.cost(orders)
                told["limit"].append(limit.cpu)
                told["cpu"].append(cpu)
                told["over"].append(cpu / limit.cpu)
                told["speed"].append(report.answered / report.seconds)
                if old is not None:
                    # The default of a tree that may not know these modes.
                    before, _ = old.cost(replace(orders, port=old.port, path="/predict"))
                    told["old"].append(cpu / before)
            name = f"{picture.name}, `{mode}`, 16 connections"
            asked = _OVER_LIMIT.get(picture.name) if mode is DetectorMode.AUTO else None
            yield Row(f"{name}: CPU per picture over the limit", told["over"], "x", asked)
            yield Row(f"{name}: CPU per picture", told["cpu"], "ms")
            yield Row(f"{name}: CPU per picture, the limit", told["limit"], "ms")
            yield Row(f"{name}: pictures per second", told["speed"])
            if old is not None:
                bound = Asked(0.65, 0.5) if picture.faces == 1 else None
                yield Row(f"{name}: CPU per picture over the other tree's default", told["old"], "x", bound)


def _loads(here: Service, options: Options) -> Iterator[Row]:
    picture = pictures()[0]
    file = here.file(f"{picture.name}.jpg", picture.data)
    told: dict[str, list[float]] = defaultdict(list)
    for _ in range(options.rounds):
        bare = limit_of(picture.data, DetectorMode.AUTO, _IDLE_SECONDS, processes=1).wall
        _, idle = here.cost(here.orders((file,), clients=1, seconds=_IDLE_SECONDS))
        _, busy = here.cost(here.orders((file,), clients=16, seconds=options.seconds))
        full = replace(here.orders((file,), clients=64, seconds=options.seconds), probe="/health/ready")
        _, overfull = here.cost(full)
        rate = _CAPACITY_SHARE * busy.answered / busy.seconds
        _, open_loop = here.cost(replace(full, rate=rate, probe="", seconds=2 * options.seconds))
        told["idle"].append(idle.p50 / bare)
        told["tail"].append(open_loop.p99 / open_loop.p50)
        told["64"].append(overfull.answered / overfull.seconds / (busy.answered / busy.seconds))
        told["probe"].append(overfull.probe_p99)
    yield Row("median of an idle request over one pass of the limit, `auto`", told["idle"], "x", Asked(1.35, 1.15))
    yield Row("99th percentile over median at 70 % of capacity", told["tail"], "x", Asked(4, 2.5))
    yield Row("throughput at 64 connections over 16", told["64"], "x", Asked(0.97, 1.0, more=True))
    yield Row("99th percentile of /health/ready at 64 connections", told["probe"], "ms", Asked(50, 10))


if __name__ == "__main__":
    run(__doc__, rows)
