"""The load, in a process of its own: ``python -m benchmarks.speed.generator`` reads one line of JSON and writes one."""

import asyncio
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.load import Load, post


@dataclass(frozen=True)
class Orders:
    """What to send: the ``files`` in turn, over ``clients`` connections, or ``rate`` times per second, for
    ``seconds``; ``probe``: a path to ask for ten times a second meanwhile."""

    port: int
    path: str
    files: tuple[str, ...]
    clients: int
    seconds: float
    rate: float = 0.0
    probe: str = ""
    media_type: str = "image/jpeg"


@dataclass(frozen=True)
class Report:
    """Answers of status 200 and others, and quantiles in milliseconds of the answers and of the probes."""

    answered: int
    failed: int
    seconds: float
    p50: float
    p95: float
    p99: float
    probe_p99: float = 0.0


def generate(orders: Orders) -> Report:
    """Run in another process, and wait for it."""
    command = [sys.executable, "-m", "benchmarks.speed.generator"]
    done = subprocess.run(command, input=json.dumps(asdict(orders)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return Report(**json.loads(done.stdout))


async def _run(orders: Orders, bodies: list[bytes]) -> dict[str, Any]:
    load = Load("127.0.0.1", orders.port)
    requests = [post(orders.path, body, orders.media_type) for body in bodies]
    probing = asyncio.create_task(load.probe(orders.probe, 0.1)) if orders.probe else None
    loop = asyncio.get_running_loop()
    started, at = loop.time(), 0

    def next_request() -> bytes:
        nonlocal at
        at += 1
        return requests[at % len(requests)]

    if orders.rate:
        await load.open_loop(next_request, orders.rate, orders.seconds)
    else:
        await load.closed_loop(requests, orders.clients, orders.seconds)
    seconds = loop.time() - started
    if probing is not None:
        probing.cancel()
    good = load.results.of(200)
    p50, p95, p99 = np.percentile([answer.seconds for answer in good] or [0.0], [50, 95, 99]) * 1e3
    probes = [probe.seconds for probe in load.results.probes if probe.status == 200]
    report = Report(
        len(good),
        len(load.results.answers) - len(good),
        seconds,
        float(p50),
        float(p95),
        float(p99),
        float(np.percentile(probes, 99)) * 1e3 if probes else 0.0,
    )
    return asdict(report)


def main() -> None:
    """One line in, one line out."""
    orders = Orders(**json.loads(sys.stdin.read()))
    print(json.dumps(asyncio.run(_run(orders, [Path(file).read_bytes() for file in orders.files]))))


if __name__ == "__main__":
    main()
