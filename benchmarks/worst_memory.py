"""Peak memory of the most expensive requests, and how long a probe waits meanwhile.

    python -m benchmarks.worst_memory [--skip-clips]

Starts ``mien serve`` with two workers on a free port, sends many of the largest and most hostile requests concurrently,
each kind alone and then all together, and prints the peak resident memory. Linux only. The limit is a fifth below that
of ``deploy/kubernetes/base``. The 8K clips take a minute to encode and a few to decode.
"""

import argparse
import io
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import av
import httpx
import numpy as np
from PIL import Image

from tests.e2e.server import Server

LIMIT_MIB = 4096
_BODY = 63 << 20  # bytes, just under MIEN_MAX_BODY_BYTES
_JSON = {"content-type": "application/json"}
_CLIP = {"content-type": "video/mp4"}


@dataclass(frozen=True)
class Attack:
    """A request that is sent ``times`` concurrently."""

    name: str
    times: int
    send: Callable[[httpx.Client], httpx.Response]


def picture(side: int, form: str) -> bytes:
    """Coarse noise of ``side`` x ``side`` pixels: a small file that decodes to a large picture."""
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).resize((side, side)).save(file, form)
    return file.getvalue()


def clip_8k(folder: Path) -> bytes:
    """40 frames of 7,680 x 4,320 with as many reference frames as H.264 allows."""
    path = folder / "8k.mp4"
    with av.open(str(path), "w") as file:
        options = {"preset": "ultrafast", "crf": "45", "x264-params": "ref=16:bframes=3:rc-lookahead=0"}
        stream = file.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 7680, 4320, "yuv420p"
        for level in range(60, 100):
            frame = av.VideoFrame.from_ndarray(np.full((4320, 7680, 3), level, np.uint8), "bgr24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path.read_bytes()


def attacks(clip: bytes | None) -> list[Attack]:
    """The kinds of requests."""
    photo, large = picture(3830, "JPEG"), picture(7950, "PNG")
    lists = b'{"images":[' + b"[]," * (_BODY // 3) + b"[]]}"
    spaces = b'{"images":["' + b"ab " * (_BODY // 3) + b'"]}'
    photos = [("file", photo)] * 12
    found = [
        Attack("12 photos of 15 MP, accurate", 12, lambda c: c.post("/predict?detector=accurate", files=photos)),
        Attack("PNG of 63 MP", 8, lambda c: c.post("/predict", files={"file": large})),
        Attack("JSON of empty lists", 3, lambda c: c.post("/predict", content=lists, headers=_JSON)),
        Attack("JSON of spaces", 4, lambda c: c.post("/predict", content=spaces, headers=_JSON)),
    ]
    if clip is not None:
        found.append(
            Attack("8K clip", 4, lambda c: c.post("/analyze-video?fps=native", content=clip, headers=_CLIP)),
        )
    return found


class MemoryWatch:
    """The peak memory of a server and the longest that a probe waited since ``reset``."""

    def __init__(self, server: Server) -> None:
        self._process = Path(f"/proc/{server.process.pid}")
        self._url = server.url
        self._slowest = 0.0
        threading.Thread(target=self._probe, daemon=True).start()

    def reset(self) -> None:
        (self._process / "clear_refs").write_text("5")
        self._slowest = 0.0

    def read(self) -> tuple[int, float]:
        """MiB and seconds."""
        lines = (self._process / "status").read_text().splitlines()
        (peak,) = (int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        return peak >> 10, self._slowest

    def _probe(self) -> None:
        with httpx.Client(base_url=self._url, timeout=60) as client:
            while self._process.exists():
                started = time.monotonic()
                try:
                    client.get("/health/live")
                except httpx.TransportError:
                    return
                self._slowest = max(self._slowest, time.monotonic() - started)
                time.sleep(0.1)


def run(watch: MemoryWatch, url: str, name: str, together: list[Attack]) -> int:
    """Send them concurrently, print the row, return the peak in MiB."""
    calls = [attack.send for attack in together for _ in range(attack.times)]
    watch.reset()
    with httpx.Client(base_url=url, timeout=900) as client, ThreadPoolExecutor(len(calls)) as pool:
        statuses = Counter(pool.map(lambda send: send(client).status_code, calls))
    peak, slowest = watch.read()
    answers = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    print(f"{name:<30} {len(calls):>3} {peak:>6} MiB   probe {slowest:5.2f} s   {answers}", flush=True)
    return peak


def main() -> int:
    """Measure and print; 1 if the limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skip-clips", action="store_true", help="pictures and JSON only")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kinds = attacks(None if arguments.skip_clips else clip_8k(folder))
        with Server(folder, {"MIEN_WORKERS": "2"}) as server:
            watch = MemoryWatch(server)
            peaks = [run(watch, server.url, attack.name, [attack]) for attack in kinds]
            peaks.append(run(watch, server.url, "all of these together", kinds))
    print(f"at most {LIMIT_MIB} MiB: {'yes' if max(peaks) <= LIMIT_MIB else 'NO'}")
    return int(max(peaks) > LIMIT_MIB)


if __name__ == "__main__":
    sys.exit(main())
