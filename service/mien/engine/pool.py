"""Worker threads: take work, run the pipeline, resolve futures. A failure stays with the frame it belongs to."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mien.domain import StageTimes
from mien.engine.batcher import Batcher, FrameJob, TileJob
from mien.errors import DeadlineExceeded, InferenceFailed
from mien.vision.classifier import Logits
from mien.vision.pipeline import Pipeline

log = logging.getLogger(__name__)


class WorkerPool:
    """``count`` threads over one batcher and one pipeline. onnxruntime and OpenCV release the GIL while they work."""

    def __init__(self, pipeline: Pipeline, batcher: Batcher, count: int) -> None:
        self._pipeline = pipeline
        self._batcher = batcher
        self._lock = threading.Lock()
        self._busy = 0
        self._last_success: float | None = None
        self._last_frame: float | None = None
        self._threads = [
            threading.Thread(target=self._work, name=f"mien-worker-{n}", daemon=True) for n in range(count)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def busy(self) -> int:
        """Workers that are working now."""
        return self._busy

    @property
    def alive(self) -> int:
        """Workers that have not ended."""
        return sum(thread.is_alive() for thread in self._threads)

    @property
    def last_success(self) -> float | None:
        """``time.monotonic()`` of the last frame that came out whole, faces classified."""
        return self._last_success

    @property
    def last_frame(self) -> float | None:
        """``time.monotonic()`` of the last frame that came out, with faces or without."""
        return self._last_frame

    def join(self, timeout: float) -> None:
        """Wait for the threads to end; the batcher must be closed."""
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _work(self) -> None:
        while self._work_once():
            pass  # a name for the work here would keep the last picture in memory while waiting for the next

    def _work_once(self) -> bool:
        work = self._batcher.take()
        if work is None:
            return False
        self._count(+1)
        try:
            if isinstance(work, FrameJob):
                self._find(work)
                work.release()
            else:
                self._classify(work)
        finally:
            self._count(-1)
        return True

    def _count(self, step: int) -> None:
        with self._lock:
            self._busy += step

    def _find(self, job: FrameJob) -> None:
        if job.abandoned:
            return
        if job.overdue:
            job.fail(DeadlineExceeded("The deadline passed in the queue for a worker; allow more time or retry later."))
            return
        job.started_at = time.perf_counter()
        with _failing(job):
            assert job.frame is not None  # noqa: S101  released only after this
            job.found = self._pipeline.detect(job.frame, job.options)
            job.found_at = time.perf_counter()
            if job.found.crops:
                self._batcher.put_tiles(job)
            else:
                self._finish(job)

    def _classify(self, batch: Sequence[TileJob]) -> None:
        tiles = [tile for tile in batch if not tile.frame.abandoned]
        if len(tiles) > 1:
            try:
                answers = self._pipeline.classify([tile.pixels for tile in tiles])
            except Exception:
                log.exception("a batch of %d faces failed; each is tried by itself", len(tiles))
            else:
                for tile, logits in zip(tiles, answers, strict=True):
                    self._answered(tile, logits)
                return
        # One tile must not fail its neighbours from other requests.
        for tile in tiles:
            with _failing(tile.frame):
                self._answered(tile, self._pipeline.classify([tile.pixels])[0])

    def _answered(self, tile: TileJob, logits: Logits) -> None:
        if tile.frame.answer(tile.index, logits):
            with _failing(tile.frame):
                self._finish(tile.frame)

    def _finish(self, job: FrameJob) -> None:
        assert job.found is not None  # noqa: S101  called after detection
        now = time.perf_counter()
        times = StageTimes(
            queue=(job.started_at - job.queued_at) * 1e3,
            detect=(job.found_at - job.started_at) * 1e3,
            classify=(now - job.found_at) * 1e3,
        )
        logits = [job.answers[index] for index in range(len(job.found.crops))]
        result = self._pipeline.finish(job.found, logits, job.options, times)
        self._last_frame = time.monotonic()
        if logits:
            self._last_success = self._last_frame
        job.resolve(result)


@contextmanager
def _failing(job: FrameJob) -> Iterator[None]:
    """The boundary of a worker: whatever breaks inside belongs to this frame alone, and its caller is told."""
    try:
        yield
    except Exception as error:
        log.exception("a worker failed on a %d x %d picture", job.info.width, job.info.height)
        failure = InferenceFailed("The models failed on this picture; the service's log says why. Others go on.")
        failure.__cause__ = error
        job.fail(failure)
