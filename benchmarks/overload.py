"""What the service does beyond its capacity: how much of it is left, and how quickly the rest is refused.

    python -m benchmarks.overload [--query detector=accurate] [--seconds 15] [--loads 1 2 4]

Starts ``mien serve``, measures its capacity for a 640 x 480 photograph of one face in a closed loop, and then offers
multiples of it in an open loop, from this process. Both share the machine's cores, so the generator's share of them is
printed; ``detector=accurate`` makes it small. Goodput counts answers of status 200 while load is offered.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
import uvloop

from benchmarks.http_latency import photograph
from benchmarks.load import Answer, Load, post
from tests.e2e.server import Server

_PROBE_EVERY = 0.02  # s
_CLIENTS = 32
_MIN_GOODPUT, _MAX_REFUSAL, _MAX_PROBE = 0.9, 0.020, 0.050


def percentile(answers: Sequence[Answer], q: float) -> float:
    """Of their seconds; not a number without answers."""
    return float(np.percentile([answer.seconds for answer in answers], q)) if answers else float("nan")


async def _measured(load: Load, run: asyncio.Task[object]) -> None:
    probing = asyncio.create_task(load.probe("/health/ready", _PROBE_EVERY))
    await run
    probing.cancel()


def offered(port: int, request: bytes, rate: float, seconds: float) -> tuple[Load, float, float]:
    """The load with its results, answers of status 200 per second of offering, and the generator's share of a core."""
    load = Load("127.0.0.1", port)
    spent, began = time.process_time(), time.perf_counter()

    async def run() -> None:
        await _measured(load, asyncio.create_task(load.open_loop(lambda: request, rate, seconds)))

    uvloop.run(run())
    # What is in the queue at the end was accepted, and is not counted, as the queue was empty at the beginning.
    good = sum(answer.at <= began + seconds for answer in load.results.of(200))
    return load, good / seconds, (time.process_time() - spent) / (time.perf_counter() - began)


def capacity(port: int, request: bytes, seconds: float) -> float:
    """Answers per second in a closed loop."""
    load = Load("127.0.0.1", port)
    return uvloop.run(load.closed_loop([request], _CLIENTS, seconds))


def report(times: float, most: float, load: Load, goodput: float, core: float) -> bool:
    """Print a row; whether it is within the limits."""
    refused = load.results.of(429)
    statuses = " ".join(
        f"{status}:{count}" for status, count in sorted(Counter(a.status for a in load.results.answers).items())
    )
    retries = [answer.retry_after for answer in refused if answer.retry_after]
    retry = f"{min(retries, default=0)}..{max(retries, default=0)}"
    probe = percentile(load.results.probes, 99)
    print(
        f"{times:>4g} x  goodput {goodput / most:5.0%}  refusals p50 {1e3 * percentile(refused, 50):6.1f} ms, "
        f"p99 {1e3 * percentile(refused, 99):6.1f} ms  Retry-After {retry} s  "
        f"probe p99 {1e3 * probe:5.1f} ms  answers {statuses}  generator {core:.2f} cores",
        flush=True,
    )
    within = probe <= _MAX_PROBE and goodput >= _MIN_GOODPUT * min(most, times * most)
    return within and not percentile(refused, 99) > _MAX_REFUSAL


def main() -> int:
    """Measure and print; 1 if a limit is exceeded at the highest load."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--query", default="", help="query of /predict")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--loads", type=float, nargs="+", default=[1, 2, 4])
    arguments = parser.parse_args()
    request = post(f"/predict?{arguments.query}".rstrip("?"), photograph(), "image/jpeg")
    print(f"{psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f}, a request of {len(request):,} bytes")
    within = True
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        port = server.client.base_url.port or 80
        capacity(port, request, 2)
        for times in arguments.loads:
            most = capacity(port, request, arguments.seconds / 2)
            load, goodput, core = offered(port, request, times * most, arguments.seconds)
            print(f"capacity {most:.0f}/s", end=" ")
            within = report(times, most, load, goodput, core)
            time.sleep(1)
    return int(not within)


if __name__ == "__main__":
    sys.exit(main())
