"""The engine of one machine: both models in this process, one worker per core."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from pathlib import Path

import cv2

from mien.domain import NEVER_CANCELLED, AnalyzeOptions, Cancellation, DetectorMode, EngineLoad, Frame, FrameResult
from mien.engine.base import EngineHealth, ModelInfo
from mien.engine.batcher import CLOSED, Batcher, FrameJob
from mien.engine.canary import Canary, run_probe
from mien.engine.pool import HANG_SECONDS, WorkerPool
from mien.errors import CapacityError, EngineClosed, InferenceFailed, MienError
from mien.memory import drop_pillow_warnings, keep_freed
from mien.providers import Execution, Provider
from mien.store import ModelStore
from mien.vision.pipeline import Pipeline
from mien.vision.pyramid import finest_side

DETECTOR = "face-detector"
EMOTION = "emotion"

_MAX_BATCH = 32  # crops; larger batches are no faster per crop, and their callers wait longer
_FRAMES_AHEAD = 3  # of one call, per worker: enough to keep the worker busy while the caller decodes
_WARM_UP_SECONDS = 30.0
_CHECK_SECONDS = 0.2  # between two looks at whether the caller still waits


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How to open an engine.

    ``canary_interval`` is in seconds; the engine is unready after three intervals in which no frame, canaries included,
    had its faces classified. ``hang_seconds``: see ``WorkerPool``.
    """

    store: Path
    workers: int
    provider: Provider = "cpu"
    canary_interval: float = 10.0
    hang_seconds: float = HANG_SECONDS


OnFailure = Callable[[MienError], None]


def _ignore(_: MienError) -> None:
    """``LocalEngine.health`` tells it too."""


def open_engine(config: EngineConfig, on_failure: OnFailure = _ignore) -> "LocalEngine":
    """Load the models, start the workers and warm them up. ``on_failure``: see ``WorkerPool``.

    Raises:
        ModelError: when the store cannot be used; the message is one sentence.
        InvalidOption: when the provider cannot be used; the message is one sentence.
    """
    # OpenCV's own threads would compete with the workers for the same cores, and its messages about broken uploads
    # are not in the log's format.
    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    drop_pillow_warnings()
    keep_freed(config.workers)
    store = ModelStore(config.store)
    detector = store.pick(DETECTOR)
    emotion = store.pick(EMOTION)
    load = partial(Pipeline.load, detector, emotion, Execution(config.provider, config.workers))
    models = tuple(
        ModelInfo(model.name, model.version, model in (detector, emotion), model.manifest) for model in store.models
    )
    engine = LocalEngine(load, models, config, on_failure)
    engine.warm_up()
    return engine


class LocalEngine:
    """Implements ``mien.engine.base.Engine``, which describes the methods, with a pool of threads."""

    def __init__(
        self,
        load: Callable[[], Pipeline],
        models: tuple[ModelInfo, ...],
        config: EngineConfig,
        on_failure: OnFailure = _ignore,
    ) -> None:
        self._pipeline = load()
        self._models = models
        self._config = config
        self._batcher = Batcher(_MAX_BATCH)
        self._pool = WorkerPool(
            self._pipeline,
            self._batcher,
            config.workers,
            load=load,
            hang_seconds=config.hang_seconds,
            on_failure=on_failure,
        )
        self._progress = self._pool.progress
        self._canary = Canary(self._batcher, config.canary_interval, lambda: self._progress.last_success)
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
                remedy = "restore the model store" if self._config.provider == "cpu" else "choose MIEN_PROVIDER=cpu"
                raise InferenceFailed(f"The models do not work; see the log, and {remedy}.")

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
        if problem := self._pool.problem:
            return EngineHealth(False, problem)
        last = self._progress.last_success
        if last is None:
            return EngineHealth(False, "The models are not warm yet.")
        age = time.monotonic() - last
        if age <= self._max_age:
            return EngineHealth(True, canary_age=age)
        if time.monotonic() - (self._progress.last_frame or last) <= self._max_age:
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
        self._pool.close(timeout=1.0)

    def _put(self, frame: Frame, options: AnalyzeOptions, cancellation: Cancellation) -> "Future[FrameResult]":
        job = FrameJob(frame, options, cancellation)
        self._batcher.put_frame(job)
        return job.future


def _wait(future: "Future[FrameResult]", cancellation: Cancellation) -> FrameResult:
    try:
        while True:
            left = cancellation.seconds_left
            try:
                return future.result(_CHECK_SECONDS if left is None else min(left, _CHECK_SECONDS))
            except FutureTimeoutError:
                cancellation.raise_if_cancelled()
    except CancelledError:
        raise EngineClosed(CLOSED) from None
    except CapacityError:
        future.cancel()
        raise
