"""The engine of one machine: both models in this process, one worker per core."""

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

import cv2

from mien.domain import NEVER_CANCELLED, AnalyzeOptions, Cancellation, DetectorMode, EngineLoad, Frame, FrameResult
from mien.engine.base import EngineHealth, ModelInfo
from mien.engine.batcher import CLOSED, Batcher, FrameJob
from mien.engine.canary import Canary, run_probe
from mien.engine.pool import WorkerPool
from mien.errors import DeadlineExceeded, EngineClosed, InferenceFailed
from mien.memory import keep_freed
from mien.store import ModelStore
from mien.vision.pipeline import Pipeline
from mien.vision.pyramid import finest_side

DETECTOR = "face-detector"
EMOTION = "emotion"

_MAX_BATCH = 32  # crops; larger batches are no faster per crop, and their callers wait longer
_FRAMES_AHEAD = 3  # of one call, per worker: enough to keep the worker busy while the caller decodes
_WARM_UP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How to open an engine.

    ``versions`` maps model names to versions; other models use the store's default. ``canary_interval`` is in seconds;
    the engine is unready after three intervals in which no frame, canaries included, had its faces classified.
    """

    store: Path
    workers: int
    versions: Mapping[str, str] = field(default_factory=dict)
    canary_interval: float = 10.0


def open_engine(config: EngineConfig) -> "LocalEngine":
    """Load the models, start the workers and warm them up.

    Raises:
        ModelError: when the store cannot be used; the message is one sentence.
    """
    # OpenCV's own threads would compete with the workers for the same cores, and its messages about broken uploads
    # are not in the log's format.
    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    keep_freed()
    store = ModelStore(config.store)
    detector = store.pick(DETECTOR, config.versions.get(DETECTOR))
    emotion = store.pick(EMOTION, config.versions.get(EMOTION))
    pipeline = Pipeline.load(detector, emotion)
    models = tuple(
        ModelInfo(model.name, model.version, model in (detector, emotion), model.manifest) for model in store.models
    )
    engine = LocalEngine(pipeline, models, config)
    engine.warm_up()
    return engine


class LocalEngine:
    """Implements ``mien.engine.base.Engine``, which describes the methods, with a pool of threads."""

    def __init__(self, pipeline: Pipeline, models: tuple[ModelInfo, ...], config: EngineConfig) -> None:
        self._pipeline = pipeline
        self._models = models
        self._config = config
        self._batcher = Batcher(_MAX_BATCH)
        self._pool = WorkerPool(pipeline, self._batcher, config.workers)
        self._canary = Canary(self._batcher, config.canary_interval, lambda: self._pool.last_success)
        self._max_age = 3 * config.canary_interval
        self._lock = threading.Lock()
        self._calls = 0
        self._closed = False

    def warm_up(self) -> None:
        """Run each detector mode once, so that the first caller does not pay for first-time allocations.

        Raises:
            InferenceFailed: when a model run fails or takes too long.
        """
        for mode in DetectorMode:
            if not run_probe(self._batcher, _WARM_UP_SECONDS, mode):
                self.close()
                raise InferenceFailed("The models do not work; see the log, and restore the model store.")

    def analyze(
        self, frames: Iterable[Frame], options: AnalyzeOptions, cancellation: Cancellation = NEVER_CANCELLED
    ) -> Iterator[FrameResult]:
        max_pending = _FRAMES_AHEAD * self._config.workers
        pending: deque[Future[FrameResult]] = deque()
        with self._lock:
            if self._closed:
                raise EngineClosed(CLOSED)
            self._calls += 1
        try:
            # map() instead of a loop over the frames, whose variable would hold a frame while the next is decoded.
            for future in map(self._put, frames, repeat(options), repeat(cancellation)):
                pending.append(future)
                if len(pending) >= max_pending:
                    yield _wait(pending.popleft(), cancellation)
            while pending:
                yield _wait(pending.popleft(), cancellation)
        finally:
            for future in pending:
                future.cancel()
            with self._lock:
                self._calls -= 1

    def detector_side(self, mode: DetectorMode) -> int:
        return finest_side(mode)

    def threshold(self) -> float:
        return self._pipeline.detector.spec.threshold

    def models(self) -> tuple[ModelInfo, ...]:
        return self._models

    def health(self) -> EngineHealth:
        if self._closed:
            return EngineHealth(False, "The engine is closed.")
        if self._pool.alive < self._config.workers:
            dead = self._config.workers - self._pool.alive
            return EngineHealth(False, f"{dead} worker(s) have died; restart the service.")
        last = self._pool.last_success
        if last is None:
            return EngineHealth(False, "The models are not warm yet.")
        age = time.monotonic() - last
        if age <= self._max_age:
            return EngineHealth(True, canary_age=age)
        if time.monotonic() - (self._pool.last_frame or last) <= self._max_age:
            return EngineHealth(False, f"No face has been classified for {age:.0f} s; see the log.", age)
        return EngineHealth(False, f"No picture has been processed for {age:.0f} s.", age)

    def load(self) -> EngineLoad:
        frames, crops = self._batcher.waiting()
        return EngineLoad(self._calls, frames, crops, self._pool.busy, self._config.workers)

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._canary.stop()
        self._batcher.close()
        self._pool.join(timeout=5.0)

    def _put(self, frame: Frame, options: AnalyzeOptions, cancellation: Cancellation) -> "Future[FrameResult]":
        job = FrameJob(frame, options, cancellation)
        self._batcher.put_frame(job)
        return job.future


def _wait(future: "Future[FrameResult]", cancellation: Cancellation) -> FrameResult:
    try:
        return future.result(cancellation.seconds_left)
    except FutureTimeoutError:
        future.cancel()
        raise DeadlineExceeded("The deadline passed before the answer was ready; allow more time.") from None
    except CancelledError:
        raise EngineClosed(CLOSED) from None
