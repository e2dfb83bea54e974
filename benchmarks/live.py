"""Latency of ``WS /live``: 640x480 at 15 frames per second, on 1 and on 4 connections.

    python -m benchmarks.live [--seconds 20] [--fps 15] [--connections 1 4] [--url http://host:port]

Starts ``mien serve`` on a free port (or uses the one at ``--url``), and shows each connection a camera's pictures, in
which scikit-image's astronaut (public domain) moves, at a constant rate whatever the replies do. Latency is from before
a frame is sent to after its reply is parsed, in the client, which runs in this process on the same machine.
"""

import argparse
import asyncio
import json
import sys
import time
from dataclasses import dataclass, field

import cv2
import numpy as np
import psutil
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.http_latency import service
from tests.group import astronaut_head

LIMIT_MS = 120.0
_WARM_UP_SECONDS = 1.0


@dataclass
class Seen:
    """What one connection saw: latencies in ms of the frames that were analysed, and the number of those dropped."""

    latencies: list[float] = field(default_factory=list)
    dropped: int = 0
    failed: int = 0


def pictures(count: int = 30) -> list[bytes]:
    """JPEGs of 640x480 in which one person moves to the right and back."""
    head = astronaut_head().picture
    found = []
    for k in range(count):
        frame = np.full((480, 640, 3), 120, np.uint8)
        x = 20 + 10 * min(k, count - k)
        frame[100 : 100 + head.shape[0], x : x + head.shape[1]] = head
        found.append(cv2.imencode(".jpg", frame, (cv2.IMWRITE_JPEG_QUALITY, 85))[1].tobytes())
    return found


async def show(url: str, frames: list[bytes], fps: float, seconds: float, delay: float) -> Seen:
    """One camera, which begins ``delay`` seconds later than the first."""
    seen = Seen()
    sent: dict[int, float] = {}
    async with connect(f"{url.replace('http', 'ws', 1)}/live", compression=None) as live:
        await live.send("{}")
        assert json.loads(await live.recv())["type"] == "start"
        count = int(fps * (seconds + _WARM_UP_SECONDS))
        reading = asyncio.create_task(_read(live, count, seen, sent, time.perf_counter() + _WARM_UP_SECONDS))
        await asyncio.sleep(delay)
        started = time.perf_counter()
        for number in range(count):
            await asyncio.sleep(started + number / fps - time.perf_counter())
            sent[number] = time.perf_counter()
            await live.send(frames[number % len(frames)])
        await reading
    return seen


async def _read(live: ClientConnection, count: int, seen: Seen, sent: dict[int, float], begin: float) -> None:
    for _ in range(count):
        reply = json.loads(await live.recv())
        now = time.perf_counter()
        before = sent.pop(reply["frame"])
        if before < begin:
            continue
        if reply["type"] != "frame":
            seen.failed += 1
        elif reply["dropped"]:
            seen.dropped += 1
        else:
            assert len(reply["faces"]) == 1, "the pictures have one face"
            seen.latencies.append((now - before) * 1000)


async def measure(url: str, connections: int, fps: float, seconds: float) -> list[Seen]:
    """Every connection's part of one run."""
    frames = pictures()
    delays = [number / (connections * fps) for number in range(connections)]
    return await asyncio.gather(*(show(url, frames, fps, seconds, delay) for delay in delays))


def main() -> int:
    """Measure and print; 1 if a 95th percentile exceeds its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--fps", type=float, default=15)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--url", help="a service that is already running")
    arguments = parser.parse_args()
    load = psutil.getloadavg()[0]
    cores = psutil.cpu_count() or 1
    print(f"{cores} cores, load {load:.1f} before the start{' (NOT idle)' if load > cores / 4 else ''}")
    worst = 0.0
    with service(arguments.url) as (client, server):
        for connections in arguments.connections:
            busy = None if server is None else psutil.Process(server.process.pid).cpu_times()
            seen = asyncio.run(measure(str(client.base_url).rstrip("/"), connections, arguments.fps, arguments.seconds))
            times = np.array([value for one in seen for value in one.latencies])
            p50, p95 = np.percentile(times, [50, 95])
            worst = max(worst, p95)
            rates = ", ".join(f"{len(one.latencies) / arguments.seconds:.1f}" for one in seen)
            print(
                f"{connections} connection(s): p50 {p50:.1f} ms, p95 {p95:.1f} ms, most {times.max():.1f} ms; "
                f"{sum(one.dropped for one in seen)} dropped, {sum(one.failed for one in seen)} failed; "
                f"frames per second: {rates}"
            )
            if server is not None and busy is not None:
                now = psutil.Process(server.process.pid).cpu_times()
                used = now.user + now.system - busy.user - busy.system
                print(f"  processor time of the server: {used / (arguments.seconds + _WARM_UP_SECONDS):.2f} cores")
    print(f"p95 at most {LIMIT_MS:g} ms: {'yes' if worst <= LIMIT_MS else 'NO'}")
    return int(worst > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
