"""What waits for a worker: whole frames to look for faces in, and tiles from any request to classify together.

A worker that comes free takes every waiting tile (up to a batch) before it takes a frame: what was begun is finished
first, and a batch is whatever piled up meanwhile. There is no timer, so an idle service never waits.
"""

import threading
import time
from collections import deque
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field

from mien.domain import AnalyzeOptions, Frame, FrameInfo, FrameResult, U8Array
from mien.errors import EngineClosed
from mien.vision.classifier import Logits
from mien.vision.pipeline import FoundFaces


@dataclass(slots=True, eq=False)
class FrameJob:
    """One frame on its way through the pool; ``future`` resolves whatever happens.

    Owned by one worker at a time until its tiles are queued; from then on ``lock`` guards the tiles' answers.
    ``frame`` is ``None`` once detection is done with its pixels: faces may wait for long to be classified.
    """

    frame: Frame | None
    options: AnalyzeOptions
    future: "Future[FrameResult]" = field(default_factory=Future)
    queued_at: float = field(default_factory=time.perf_counter)
    started_at: float = 0.0
    found_at: float = 0.0
    found: FoundFaces | None = None
    answers: dict[int, Logits] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    info: FrameInfo = field(init=False)

    def __post_init__(self) -> None:
        assert self.frame is not None  # noqa: S101  nothing has released it yet
        self.info = self.frame.info

    def release(self) -> None:
        """Let go of the pixels, whatever became of the frame. Calling it twice is harmless."""
        frame, self.frame = self.frame, None
        if frame is not None:
            frame.release()

    @property
    def overdue(self) -> bool:
        """Whether the caller's deadline has passed."""
        return self.options.deadline is not None and time.monotonic() >= self.options.deadline

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits for this frame any more, or it has already failed."""
        return self.future.done()

    def answer(self, index: int, logits: Logits) -> bool:
        """Store the answer for face ``index``; true for exactly one caller, the one that completes the frame."""
        assert self.found is not None  # noqa: S101  tiles exist only after detection
        with self.lock:
            self.answers[index] = logits
            return len(self.answers) == len(self.found.crops)

    def resolve(self, result: FrameResult) -> None:
        """Hand the result to the caller, unless it went away."""
        try:
            self.future.set_result(result)
        except InvalidStateError:
            return  # cancelled, or failed with an earlier tile

    def fail(self, error: BaseException) -> None:
        """Hand the error to the caller, unless it went away."""
        try:
            self.future.set_exception(error)
        except InvalidStateError:
            return


@dataclass(frozen=True, slots=True, eq=False)
class TileJob:
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
        self._tiles: deque[TileJob] = deque()
        self._closed = False

    def put_frame(self, job: FrameJob, *, first: bool = False) -> None:
        """Queue a frame, behind all that wait or ``first``; a closed batcher fails it with ``EngineClosed``."""
        with self._changed:
            if not self._closed:
                if first:
                    self._frames.appendleft(job)
                else:
                    self._frames.append(job)
                self._changed.notify()
                return
        job.fail(EngineClosed("The service is stopping; send the request again elsewhere or later."))

    def put_tiles(self, job: FrameJob) -> None:
        """Queue every tile of a frame in which faces were found."""
        assert job.found is not None  # noqa: S101  called after detection
        tiles = [TileJob(job, index, pixels) for index, pixels in enumerate(job.found.crops)]
        with self._changed:
            if not self._closed:
                self._tiles.extend(tiles)
                self._changed.notify()
                return
        job.fail(EngineClosed("The service is stopping; send the request again elsewhere or later."))

    def take(self) -> FrameJob | list[TileJob] | None:
        """Wait for work: a batch of tiles, or else a frame; ``None`` once closed."""
        with self._changed:
            while not (self._tiles or self._frames or self._closed):
                self._changed.wait()
            if self._closed:
                return None
            if self._tiles:
                batch = [self._tiles.popleft() for _ in range(min(self._max_batch, len(self._tiles)))]
                if self._tiles:
                    self._changed.notify()
                return batch
            return self._frames.popleft()

    def waiting(self) -> tuple[int, int]:
        """Frames and tiles that wait."""
        with self._changed:
            return len(self._frames), len(self._tiles)

    def close(self) -> None:
        """Fail all that waits and let every ``take`` return."""
        with self._changed:
            self._closed = True
            left = [*self._frames, *(tile.frame for tile in self._tiles)]
            self._frames.clear()
            self._tiles.clear()
            self._changed.notify_all()
        for job in left:
            job.fail(EngineClosed("The service is stopping; send the request again elsewhere or later."))
