"""An engine without models, with synthetic faces that depend on the pixels alone, for all tests above the engine."""

import threading
from collections.abc import Iterable, Iterator

import numpy as np

from mien.domain import (
    LABELS,
    NEVER_CANCELLED,
    Activation,
    AnalyzeOptions,
    Box,
    Cancellation,
    DetectorMode,
    EngineLoad,
    Face,
    Frame,
    FrameResult,
    Landmarks,
    Quality,
    StageTimes,
)
from mien.engine.base import EngineHealth, ModelInfo
from mien.errors import EngineClosed, MienError


def make_face(
    box: Box, emotion: str = "happy", score: float = 0.9, labels: tuple[str, ...] | None = None, explain: bool = False
) -> Face:
    """A face with landmarks at plausible places in ``box`` and scores that sum to 1."""
    names = labels or LABELS[AnalyzeOptions().labels]
    rest = (1.0 - score) / (len(names) - 1)
    points = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
    side = max(box.width, box.height)
    peak = np.exp(-((np.mgrid[0:6, 0:6] - 2.5) ** 2).sum(axis=0) / 4).astype(np.float32)
    return Face(
        box=box,
        confidence=0.99,
        landmarks=Landmarks(*((box.x + box.width * x, box.y + box.height * y) for x, y in points)),
        emotion=emotion,
        score=score,
        uncertain=score < 0.5,
        scores={name: score if name == emotion else rest for name in names},
        valence=0.5,
        quality=Quality(1.0, 0.5, min(box.width, box.height), 0.0, True, ()),
        activation=Activation(peak, Box(box.x, box.y, side, side)) if explain else None,
    )


class FakeEngine:
    """Implements ``mien.engine.base.Engine``.

    Every frame gets ``faces`` faces; the mean of its pixels chooses their emotion and score, so that equal pixels give
    equal faces. ``error`` is raised instead of the first result. Every result waits for ``gate`` where one is given.
    ``seen`` counts the frames drawn, ``options`` and ``cancellation`` are those of the last call.
    """

    def __init__(
        self,
        faces: int = 1,
        error: MienError | None = None,
        gate: threading.Event | None = None,
        ready: bool = True,
    ) -> None:
        self.faces = faces
        self.error = error
        self.gate = gate
        self.ready = ready
        self.seen = 0
        self.closed = False
        self.options: AnalyzeOptions | None = None
        self.cancellation: Cancellation | None = None
        self._calls = 0
        self._lock = threading.Lock()

    def analyze(
        self, frames: Iterable[Frame], options: AnalyzeOptions, cancellation: Cancellation = NEVER_CANCELLED
    ) -> Iterator[FrameResult]:
        with self._lock:
            if self.closed:
                raise EngineClosed("the engine is closed")
            self.options, self.cancellation = options, cancellation
            self._calls += 1
        try:
            for frame in frames:
                with self._lock:
                    self.seen += 1
                if self.gate is not None:
                    self.gate.wait(timeout=10)
                if self.error is not None:
                    raise self.error
                yield self._result(frame, options)
        finally:
            with self._lock:
                self._calls -= 1

    def _result(self, frame: Frame, options: AnalyzeOptions) -> FrameResult:
        labels = LABELS[options.labels]
        mean = float(frame.pixels.mean())
        count = min(self.faces, options.max_faces)
        side = min(frame.width, frame.height) / (count + 1)
        faces = tuple(
            make_face(
                Box(side * i, side * 0.5, side, side),
                emotion=labels[int(mean + i) % len(labels)],
                score=0.5 + (mean + i) % 64 / 128,
                labels=labels,
                explain=options.explain,
            )
            for i in range(count)
        )
        times = StageTimes(queue=0.1, detect=1.0, classify=0.5)
        return FrameResult(frame.width, frame.height, faces, times, frame.time, frame.index)

    def detector_side(self, mode: DetectorMode) -> int:
        return {DetectorMode.FAST: 320, DetectorMode.AUTO: 1280, DetectorMode.ACCURATE: 2560}[mode]

    def threshold(self) -> float:
        return 0.6

    def models(self) -> tuple[ModelInfo, ...]:
        return tuple(
            ModelInfo(name, "1", True, {"name": name, "licence": "none"}) for name in ("emotion", "face-detector")
        )

    def health(self) -> EngineHealth:
        return EngineHealth(self.ready and not self.closed, "" if self.ready else "the models are loading", 1.0)

    def load(self) -> EngineLoad:
        return EngineLoad(self._calls, 0, 0, min(self._calls, 1), 1)

    def close(self) -> None:
        self.closed = True
