"""Clips: the cost of an analysis over a bare decode and the networks' own time.

python -m benchmarks.speed.clips [--rounds 5]
"""

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.table import Asked, Options, Row, run
from benchmarks.video_speed import bare_decode
from mien.domain import AnalyzeOptions, U8Array
from mien.engine.local import EngineConfig, LocalEngine, open_engine
from mien.runtime import Session
from mien.store import default_store
from mien.usecases.analyze_video import VideoOptions, analyze_video
from mien.video.model import Sampling

_CLIPS: tuple[tuple[str, float | None], ...] = (("lp_d10.mp4", None), ("fnp_video.mp4", 5.0))
_REPEATS = 20


class _Counted:
    """Stands before a network, and counts the shapes of its inputs."""

    def __init__(self, session: Session) -> None:
        self._run = session.run
        self.shapes: Counter[tuple[int, ...]] = Counter()

    def __call__(self, images: U8Array) -> Any:
        self.shapes[images.shape] += 1
        return self._run(images)

    def seconds(self) -> float:
        """What these runs take by themselves, one after the other."""
        total = 0.0
        for shape, times in self.shapes.items():
            images = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
            self._run(images)
            started = time.process_time()
            for _ in range(_REPEATS):
                self._run(images)
            total += times * (time.process_time() - started) / _REPEATS
        return total


def rows(options: Options) -> Iterator[Row]:
    """Processor time of this process, decoding in it."""
    workers = os.cpu_count() or 1
    for name, fps in _CLIPS:
        path = options.shared / "media" / "clips" / name
        if not path.exists():
            continue
        with closing(open_engine(EngineConfig(default_store(), workers))) as engine:
            ratios = [_over_its_parts(path, fps, engine, workers) for _ in range(options.rounds)]
        rate = "every frame" if fps is None else f"{fps:g} fps"
        yield Row(f"{Path(name).stem}, {rate}: CPU over decoding and networks", ratios, "x", Asked(1.25, 1.1))


def _over_its_parts(path: Path, fps: float | None, engine: LocalEngine, workers: int) -> float:
    detector, classifier = engine._pipeline.detector._session, engine._pipeline.classifier._session
    networks = [_Counted(detector), _Counted(classifier)]
    detector.run, classifier.run = networks  # type: ignore[method-assign]
    try:
        spent = _cpu(lambda: analyze_video(path, AnalyzeOptions(), VideoOptions(Sampling(fps)), engine=engine))
    finally:
        del detector.run, classifier.run
    return spent / (_cpu(lambda: bare_decode(path, workers)) + sum(network.seconds() for network in networks))


def _cpu(work: Any) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    run(__doc__, rows)
