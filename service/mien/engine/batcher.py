"""Work that waits for a worker: whole frames to detect faces in, and face crops of any request to classify together.

A free worker takes all waiting crops (up to a batch) before it takes a frame: requests in progress are finished first,
and a batch is whatever has queued meanwhile. There is no timer, so an idle service never waits.
"""

import threading
import time
from collections import deque
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field

from mien.domain import NEVER_CANCELLED, AnalyzeOptions, Cancellation, Frame, FrameInfo, FrameResult, U8Array
from mien.errors import EngineClosed
from mien.vision.classifier import Logits
from mien.vision.pipeline import FoundFaces

CLOSED = "The service is stopping; send the request to another instance, or later."


@dataclass(slots=True, eq=False)
class FrameJob:
    """One frame on its way through the pool; ``future`` always resolves.

    Owned by one worker at a time until its crops are queued; from then on ``lock`` guards ``logits``.
    ``frame`` is ``None`` after detection: its crops may wait long, and the pixels are not needed any more.
    """

    frame: Frame | None
    options: AnalyzeOptions
    cancellation: Cancellation = NEVER_CANCELLED
    future: "Future[FrameResult]" = field(default_factory=Future)
    queued_at: float = field(default_factory=time.perf_counter)
    started_at: float = 0.0
    found_at: float = 0.0
    found: FoundFaces | None = None
    logits: dict[int, Logits] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    info: FrameInfo = field(init=False)

    def __post_init__(self) -> None:
        assert self.frame is not None  # noqa: S101  not released yet
        self.info = self.frame.info

    def release(self) -> None:
        """Drop the pixels. Calling it twice is harmless."""
        frame, self.frame = self.frame, None
        if frame is not None:
            frame.release()

    @property
    def is_done(self) -> bool:
        """Whether the frame was cancelled or has failed already."""
        return self.future.done()

    def add_logits(self, index: int, logits: Logits) -> bool:
        """Store the logits of face ``index``; true for exactly one caller, the one that completes the frame."""
        assert self.found is not None  # noqa: S101  crops exist only after detection
        with self.lock:
            self.logits[index] = logits
            return len(self.logits) == len(self.found.crops)

    def resolve(self, result: FrameResult) -> None:
        """Set the result, unless the frame was cancelled or has failed."""
        with suppress(InvalidStateError):
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Set the error, unless the frame was cancelled or has failed."""
        with suppress(InvalidStateError):
            self.future.set_exception(error)


@dataclass(frozen=True, slots=True, eq=False)
class CropJob:
    """Face ``index`` of a frame, waiting to be classified; ``pixels`` is its ``uint8 [48, 48]`` crop."""

    frame: FrameJob
    index: int
    pixels: U8Array


class Batcher:
    """The two queues under one condition. Thread-safe."""

    def __init__(self, max_batch: int) -> None:
        self._max_batch = max_batch
        self._changed = threading.Condition()
        self._frames: deque[FrameJob] = deque()
        self._crops: deque[CropJob] = deque()
        self._closed = False

    def put_frame(self, job: FrameJob, *, first: bool = False) -> None:
        """Queue a frame, last or ``first``; a closed batcher fails it with ``EngineClosed``."""
        with self._changed:
            if self._closed:
                job.fail(EngineClosed(CLOSED))
            elif first:
                self._frames.appendleft(job)
            else:
                self._frames.append(job)
            self._changed.notify()

    def put_crops(self, job: FrameJob) -> None:
        """Queue every crop of a frame; a closed batcher fails it with ``EngineClosed``."""
        assert job.found is not None  # noqa: S101  called after detection
        with self._changed:
            if self._closed:
                job.fail(EngineClosed(CLOSED))
            else:
                self._crops.extend(CropJob(job, index, pixels) for index, pixels in enumerate(job.found.crops))
            self._changed.notify()

    def take(self) -> FrameJob | list[CropJob] | None:
        """Wait for work: a batch of crops, or else a frame; ``None`` once closed."""
        with self._changed:
            while not (self._crops or self._frames or self._closed):
                self._changed.wait()
            if self._closed:
                return None
            if self._crops:
                batch = [self._crops.popleft() for _ in range(min(self._max_batch, len(self._crops)))]
                if self._crops:
                    self._changed.notify()
                return batch
            return self._frames.popleft()

    def waiting(self) -> tuple[int, int]:
        """The numbers of frames and crops in the queues."""
        with self._changed:
            return len(self._frames), len(self._crops)

    def close(self) -> None:
        """Fail all waiting jobs and let every ``take`` return."""
        with self._changed:
            self._closed = True
            unfinished = [*self._frames, *(crop.frame for crop in self._crops)]
            self._frames.clear()
            self._crops.clear()
            self._changed.notify_all()
        for job in unfinished:
            job.fail(EngineClosed(CLOSED))
