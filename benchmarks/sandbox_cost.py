"""What decoding in a process of its own costs: clips and HEIC pictures, there and in the service's own process.

    python -m benchmarks.sandbox_cost [CLIP...] [--runs 9] [--megapixels 12]

Clips are analysed at 5 fps, with the models; without CLIP, those of ../shared/media/clips. Pictures are only decoded,
as for detection. Both kinds of run alternate, so that the load of the machine meets both, and the figures are medians;
"CPU" is that of all processes together.
"""

import argparse
import io
import os
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pillow_heif
import psutil
from PIL import Image
from skimage.data import astronaut

from mien.domain import AnalyzeOptions
from mien.engine.base import Engine
from mien.engine.local import EngineConfig, open_engine
from mien.images.decoder import PictureDecoder
from mien.images.limits import DecodeLimits
from mien.store import default_store
from mien.usecases.analyze_video import VideoOptions, analyze_video
from mien.usecases.decoders import open_decoders
from mien.video.model import Sampling
from mien.video.reader import ClipReader

_DETECTOR_SIDE = 640


def heic(megapixels: float) -> bytes:
    """A photograph of a phone's shape."""
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    picture = Image.fromarray(astronaut()).resize((width, width * 3 // 4), Image.Resampling.LANCZOS)
    noise = np.random.default_rng(1).normal(0, 3, (picture.height, picture.width, 1))  # that of a camera
    file = io.BytesIO()
    grainy = np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8)
    pillow_heif.from_pillow(Image.fromarray(grainy)).save(file, quality=60)
    return file.getvalue()


def compare(name: str, runs: int, alone: Callable[[], None], apart: Callable[[], None]) -> None:
    """Print one line."""
    spent: dict[str, list[tuple[float, float]]] = {"alone": [], "apart": []}
    for turn in range(runs + 1):
        for kind, work in (("alone", alone), ("apart", apart)):
            cpu, wall = cpu_seconds(), time.perf_counter()
            work()
            if turn:  # the first warms up
                spent[kind].append((time.perf_counter() - wall, cpu_seconds() - cpu))
    (a, a_cpu), (b, b_cpu) = (
        [statistics.median(values) for values in zip(*spent[kind], strict=True)] for kind in spent
    )
    print(
        f"{name:<28} {1000 * a:8.1f} ms -> {1000 * b:8.1f} ms ({1000 * (b - a):+6.1f} ms, {100 * (b / a - 1):+5.1f} %)"
        f"   CPU {1000 * a_cpu:8.1f} -> {1000 * b_cpu:8.1f} ms ({100 * (b_cpu / a_cpu - 1):+5.1f} %)",
        flush=True,
    )


def cpu_seconds() -> float:
    """Of this process and the decoder processes, to 10 ms."""
    return time.process_time() + sum(sum(child.cpu_times()) for child in psutil.Process().children(recursive=True))


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--megapixels", type=float, default=12)
    arguments = parser.parse_args()
    clips = arguments.clips or sorted(Path("../shared/media/clips").glob("*.m*"))
    workers = len(os.sched_getaffinity(0))
    pool = open_decoders(workers)
    assert pool is not None, "needs Linux"
    with closing(pool), closing(open_engine(EngineConfig(default_store(), workers))) as engine:
        pool.warm_up()
        print(f"{workers} cores, load {os.getloadavg()[0]:.1f}; in this process -> in one of its own")
        picture = heic(arguments.megapixels)
        decoders = [PictureDecoder(DecodeLimits(), 2, sandbox) for sandbox in (None, pool)]
        alone, apart = (_decode(decoder, picture) for decoder in decoders)
        compare(f"HEIC, {arguments.megapixels:g} megapixels", arguments.runs, alone, apart)
        for clip in clips:
            alone, apart = (_analyze(ClipReader(sandbox=sandbox), clip, engine) for sandbox in (None, pool))
            compare(clip.name, arguments.runs, alone, apart)


def _decode(decoder: PictureDecoder, picture: bytes) -> Callable[[], None]:
    return lambda: decoder.decode(picture, detector_side=_DETECTOR_SIDE).release()


def _analyze(clips: ClipReader, clip: Path, engine: Engine) -> Callable[[], None]:
    def run() -> None:
        analyze_video(clip, AnalyzeOptions(), VideoOptions(Sampling(5.0)), engine=engine, clips=clips)

    return run


if __name__ == "__main__":
    main()
