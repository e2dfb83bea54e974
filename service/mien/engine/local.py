"""The engine of one machine: both models in this process, one worker a core."""

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

import cv2

from mien.domain import (
    AnalyzeOptions,
    DetectorMode,
    EngineHealth,
    EngineLoad,
    Frame,
    FrameResult,
    ModelInfo,
)
from mien.engine.batcher import Batcher, FrameJob
from mien.engine.canary import Canary, run_probe
from mien.engine.pool import WorkerPool
from mien.errors import DeadlineExceeded, EngineClosed, InferenceFailed, Overloaded
from mien.memory import keep_freed
from mien.store import ModelStore
from mien.vision.pipeline import Pipeline

DETECTOR = "face-detector"
EMOTION = "emotion"

_MAX_BATCH = 32  # tiles; beyond this a batch gains no speed and only makes its callers wait
_LOOK_AHEAD = 3  # frames in flight a worker for one call: enough to keep a worker busy while the caller decodes
_WARM_UP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How to open an engine.

    ``versions`` picks a version a model name, where the store's own choice is not wanted. ``capacity`` is the number
    of calls admitted at once. ``canary_interval`` is in seconds; readiness is lost after three of them in which no
    frame, be it a canary, came through with its faces classified.
    """

    store: Path
    workers: int
    capacity: int = 64
    versions: Mapping[str, str] = field(default_factory=dict)
    canary_interval: float = 10.0


def open_engine(config: EngineConfig) -> "LocalEngine":
    """Load the models, start the workers and warm them up.

    Raises:
        ModelError: when the store cannot be used; the message is one sentence.
    """
    # OpenCV's own threads would fight with the workers over the same cores, and its remarks on broken uploads are no
    # log lines.
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
    """Implements ``mien.engine.base.Engine`` with a pool of threads."""

    def __init__(self, pipeline: Pipeline, models: tuple[ModelInfo, ...], config: EngineConfig) -> None:
        self._models = models
        self._config = config
        self._batcher = Batcher(_MAX_BATCH)
        self._pool = WorkerPool(pipeline, self._batcher, config.workers)
        self._canary = Canary(self._batcher, config.canary_interval, lambda: self._pool.last_success)
        self._patience = 3 * config.canary_interval
        self._lock = threading.Lock()
        self._calls = 0
        self._closed = False

    def warm_up(self) -> None:
        """Run each size once, so that the first caller does not pay for first-time allocations.

        Raises:
            InferenceFailed: when a model does not answer.
        """
        for mode in DetectorMode:
            if not run_probe(self._batcher, _WARM_UP_SECONDS, mode):
                self.close()
                raise InferenceFailed("The models do not answer; the log says why. Restore the model store.")

    def analyze(self, frames: Iterable[Frame], options: AnalyzeOptions) -> Iterator[FrameResult]:
        """See ``Engine.analyze``."""
        ahead = _LOOK_AHEAD * self._config.workers
        pending: deque[Future[FrameResult]] = deque()
        with self._admitted():
            try:
                # Not in a loop over the frames: its variable would hold a frame's pixels while the next is decoded.
                for future in map(self._put, frames, repeat(options)):
                    pending.append(future)
                    if len(pending) >= ahead:
                        yield _wait(pending.popleft(), options.deadline)
                while pending:
                    yield _wait(pending.popleft(), options.deadline)
            finally:
                for future in pending:
                    future.cancel()

    def models(self) -> tuple[ModelInfo, ...]:
        """See ``Engine.models``."""
        return self._models

    def health(self) -> EngineHealth:
        """See ``Engine.health``."""
        if self._closed:
            return EngineHealth(False, "The engine is closed.")
        if self._pool.alive < self._config.workers:
            return EngineHealth(False, f"{self._config.workers - self._pool.alive} worker(s) have died; restart.")
        last = self._pool.last_success
        if last is None:
            return EngineHealth(False, "The models are not warm yet.")
        age = time.monotonic() - last
        if age <= self._patience:
            return EngineHealth(True, canary_age=age)
        if time.monotonic() - (self._pool.last_frame or last) <= self._patience:
            return EngineHealth(False, f"No face has been classified for {age:.0f} s; the log says why.", age)
        return EngineHealth(False, f"No picture has come through the workers for {age:.0f} s.", age)

    def load(self) -> EngineLoad:
        """See ``Engine.load``."""
        waiting_frames, waiting_tiles = self._batcher.waiting()
        return EngineLoad(
            self._calls, self._config.capacity, waiting_frames, waiting_tiles, self._pool.busy, self._config.workers
        )

    def close(self) -> None:
        """See ``Engine.close``."""
        with self._lock:
            self._closed = True
        self._canary.stop()
        self._batcher.close()
        self._pool.join(timeout=5.0)

    def _put(self, frame: Frame, options: AnalyzeOptions) -> "Future[FrameResult]":
        job = FrameJob(frame, options)
        self._batcher.put_frame(job)
        return job.future

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise EngineClosed("The service is stopping; send the request again elsewhere or later.")
            if self._calls >= self._config.capacity:
                raise Overloaded(f"{self._calls} requests are already in work; try again in a moment.")
            self._calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._calls -= 1


def _wait(future: "Future[FrameResult]", deadline: float | None) -> FrameResult:
    try:
        return future.result(None if deadline is None else max(0.0, deadline - time.monotonic()))
    except FutureTimeoutError:
        future.cancel()
        raise DeadlineExceeded("The deadline passed before the answer was ready; allow more time.") from None
    except CancelledError:
        raise EngineClosed("The service is stopping; send the request again elsewhere or later.") from None
