"""What the service does beyond its capacity: how much of it is left, and how quickly the rest is refused.

    python -m benchmarks.overload [--query detector=accurate] [--seconds 30] [--loads 1 2 4]

Starts ``mien serve``, measures its capacity for a 640 x 480 photograph of one face in a closed loop, and offers
multiples of it in an open loop, from this process. The two take turns, a few seconds each, as other processes may take
the machine's time: compare within a row. Goodput counts answers of status 200 while load is offered. ``per CPU`` is the
same per second of processor time that the service got, which others do not change: what is missing from 100 % is
what refusals cost it.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import uvloop

from benchmarks.http_latency import photograph
from benchmarks.load import Answer, Load, Results, post
from tests.e2e.server import Server

_PROBE_EVERY = 0.05  # s
_CLIENTS = 32
_SLICE_SECONDS = 5.0
_MIN_GOODPUT, _MAX_REFUSAL, _MAX_PROBE = 0.9, 0.020, 0.050


def percentile(answers: Sequence[Answer], q: float) -> float:
    """Of their seconds; not a number without answers."""
    return float(np.percentile([answer.seconds for answer in answers], q)) if answers else float("nan")


@dataclass
class Part:
    """Several slices of one kind of load: answers of status 200, seconds, and the server's and this process's time."""

    good: int = 0
    seconds: float = 0.0
    server: float = 0.0
    generator: float = 0.0

    @property
    def rate(self) -> float:
        """Good answers per second."""
        return self.good / self.seconds

    @property
    def per_cpu(self) -> float:
        """Good answers per second of the server's processor time."""
        return self.good / self.server


async def _probed(load: Load, run: Awaitable[object]) -> None:
    """``run``, and probes meanwhile: always, as they cost something too."""
    probing = asyncio.create_task(load.probe("/health/ready", _PROBE_EVERY))
    await run
    probing.cancel()


class Bench:
    """One server under load."""

    def __init__(self, server: Server, request: bytes) -> None:
        self._request = request
        self._process = psutil.Process(server.process.pid)
        self._port = server.client.base_url.port or 80
        self.results = Results()

    def closed(self, part: Part, seconds: float) -> None:
        """So many seconds of as much as is answered."""
        load = Load("127.0.0.1", self._port)
        self._run(part, load, _probed(load, load.closed_loop([self._request], _CLIENTS, seconds)), seconds)

    def open(self, part: Part, rate: float, seconds: float) -> None:
        """So many seconds of ``rate`` requests per second, with probes."""
        load = Load("127.0.0.1", self._port)
        self._run(part, load, _probed(load, load.open_loop(lambda: self._request, rate, seconds)), seconds)
        self.results.answers += load.results.answers
        self.results.probes += load.results.probes

    def _run(self, part: Part, load: Load, run: Coroutine[object, object, object], seconds: float) -> None:
        spent, server, began = time.process_time(), self._cpu(), time.perf_counter()
        uvloop.run(run)
        # The queue was empty at the beginning and is drained after the end: all of it counts, over all of the time.
        part.good += len(load.results.of(200))
        part.seconds += max(seconds, max(answer.at for answer in load.results.answers) - began)
        part.server += self._cpu() - server
        part.generator += time.process_time() - spent

    def _cpu(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system


def report(times: float, most: Part, part: Part, results: Results) -> bool:
    """Print a row; whether it is within the limits."""
    refused = results.of(429)
    counts = Counter(answer.status for answer in results.answers)
    statuses = " ".join(f"{status}:{count}" for status, count in sorted(counts.items()))
    retries = [answer.retry_after for answer in refused if answer.retry_after]
    probe, refusal = percentile(results.probes, 99), percentile(refused, 99)
    goodput = part.rate / most.rate
    print(
        f"{times:>4g} x {most.rate:.0f}/s: goodput {goodput:.0%}, per CPU {part.per_cpu / most.per_cpu:.0%}; "
        f"refusals p50 {1e3 * percentile(refused, 50):.1f} ms, p99 {1e3 * refusal:.1f} ms, "
        f"Retry-After {min(retries, default=0)} to {max(retries, default=0)} s; probe p99 {1e3 * probe:.1f} ms; "
        f"answers {statuses}; generator {part.generator / part.seconds:.2f} cores",
        flush=True,
    )
    return probe <= _MAX_PROBE and goodput >= _MIN_GOODPUT * min(1.0, times) and not refusal > _MAX_REFUSAL


def main() -> int:
    """Measure and print; 1 if a limit is exceeded at some load."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--query", default="", help="query of /predict")
    parser.add_argument("--seconds", type=float, default=30, help="per load")
    parser.add_argument("--loads", type=float, nargs="+", default=[1, 2, 4])
    arguments = parser.parse_args()
    request = post(f"/predict?{arguments.query}".rstrip("?"), photograph(), "image/jpeg")
    print(f"{psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f}, a request of {len(request):,} bytes")
    within = True
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        Bench(server, request).closed(Part(), 2)
        for times in arguments.loads:
            bench, most, part = Bench(server, request), Part(), Part()
            for _ in range(max(1, round(arguments.seconds / _SLICE_SECONDS))):
                bench.closed(most, _SLICE_SECONDS)
                bench.open(part, times * most.rate, _SLICE_SECONDS)
            within &= report(times, most, part, bench.results)
    return int(not within)


if __name__ == "__main__":
    sys.exit(main())
