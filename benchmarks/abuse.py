"""What honest clients notice while another one abuses connections.

    python -m benchmarks.abuse [--seconds 15] [--only NAME ...]

Starts ``mien serve``; photographs arrive at random from one address, and a probe twenty times a second, while a second
process abuses connections from another address in one way after the other. Exit code 1 if the 99th percentile of the
probes was over 50 ms in one of them, or an honest request got no 200.
"""

import argparse
import asyncio
import itertools
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import uvloop

from benchmarks.http_latency import photograph
from benchmarks.load import Load, post
from tests.e2e.server import Server

_ABUSER = "127.0.0.2"
_HONEST_RATE = 10.0  # per second
_PROBE_EVERY = 0.05  # s
_MAX_PROBE = 0.05  # s
_GET = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
_POST = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Attack = Callable[[Streams], Awaitable[None]]


async def _idle(_: Streams) -> None:
    await asyncio.sleep(3600)


async def _slow_head(streams: Streams) -> None:
    for byte in b"GET / HTTP/1.1\r\nHost: " + 4000 * b"a":
        await _send(streams, bytes([byte]))
        await asyncio.sleep(1)


async def _slow_body(streams: Streams) -> None:
    await _send(streams, _POST + b"Content-Length: 1000000\r\n\r\n")
    while True:
        await _send(streams, bytes(1000))
        await asyncio.sleep(1)


async def _slow_reader(streams: Streams) -> None:
    await _send(streams, 200 * _GET)
    for _ in range(3600):
        if not await streams[0].read(100):
            return
        await asyncio.sleep(1)


async def _endless_body(streams: Streams) -> None:
    await _send(streams, _POST + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        await _send(streams, b"10000\r\n" + bytes(65536) + b"\r\n")


async def _many_headers(streams: Streams) -> None:
    await _send(streams, b"GET / HTTP/1.1\r\nHost: localhost\r\n")
    for number in itertools.count():
        await _send(streams, b"".join(b"X-%d: %s\r\n" % (number, 100 * b"a") for _ in range(20)))


async def _garbage(streams: Streams) -> None:
    await _send(streams, _GET + random.randbytes(4000) + 50 * _GET)
    await streams[0].read()


async def _pipeline(streams: Streams) -> None:
    await _send(streams, 1000 * b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await streams[0].read(1 << 16)


async def _send(streams: Streams, data: bytes) -> None:
    streams[1].write(data)
    await streams[1].drain()


ATTACKS: Mapping[str, tuple[int, Attack]] = {
    "nothing": (0, _idle),
    "idle connections": (2000, _idle),
    "slow heads": (500, _slow_head),
    "slow bodies": (500, _slow_body),
    "slow readers": (200, _slow_reader),
    "endless bodies": (8, _endless_body),
    "endless headers": (50, _many_headers),
    "garbage": (50, _garbage),
    "pipelined requests": (20, _pipeline),
}
"""How many connections at a time, and what each does until it is closed; then another one is opened."""


async def _abuse(name: str, port: int) -> None:
    count, attack = ATTACKS[name]

    async def one() -> None:
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                streams = await asyncio.open_connection("127.0.0.1", port, local_addr=(_ABUSER, 0), limit=1 << 12)
                try:
                    await attack(streams)
                finally:
                    streams[1].transport.abort()
            await asyncio.sleep(0.2)

    await asyncio.gather(*(one() for _ in range(count)))


async def _honest(port: int, seconds: float) -> Load:
    load = Load("127.0.0.1", port)
    request = post("/predict", photograph(), "image/jpeg")
    probing = asyncio.create_task(load.probe("/health/ready", _PROBE_EVERY))
    await load.open_loop(lambda: request, _HONEST_RATE, seconds)
    probing.cancel()
    return load


def _report(name: str, load: Load) -> bool:
    probes = [answer.seconds for answer in load.results.probes]
    p50, p99 = np.percentile(probes, (50, 99))
    answers = Counter(answer.status for answer in load.results.answers)
    honest = np.percentile([answer.seconds for answer in load.results.answers], 99)
    unready = sum(answer.status != 200 for answer in load.results.probes)
    good = p99 <= _MAX_PROBE and set(answers) == {200} and not unready
    print(
        f"{name:>20} x {ATTACKS[name][0]:>4}: "
        f"probes p50 {1e3 * p50:.1f} ms, p99 {1e3 * p99:.1f} ms, {unready} unready; "
        f"{answers[200]} of {answers.total()} honest answers, p99 {1e3 * honest:.0f} ms{'' if good else '   WRONG'}",
        flush=True,
    )
    return good


def main() -> int:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=ATTACKS)
    parser.add_argument("--abuse", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.abuse:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
        uvloop.run(_abuse(given.abuse, given.port))
        return 0
    good = True
    with tempfile.TemporaryDirectory() as name, Server(Path(name)) as server:
        port = server.client.base_url.port or 80
        uvloop.run(_honest(port, 3))  # warm
        for attack in given.only or ATTACKS:
            command = [sys.executable, "-m", "benchmarks.abuse", "--abuse", attack, "--port", str(port)]
            abuser = subprocess.Popen(command, env=os.environ)
            try:
                time.sleep(4)  # until its connections are open
                good &= _report(attack, uvloop.run(_honest(port, given.seconds)))
            finally:
                abuser.kill()
                abuser.wait()
    print("clean" if good else "NOT clean")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
