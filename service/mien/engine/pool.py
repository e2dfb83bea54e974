"""Worker threads: take work, run the pipeline, resolve futures. A failure affects only its own frame."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mien.domain import StageTimes
from mien.engine.batcher import Batcher, CropJob, FrameJob
from mien.errors import DeadlineExceeded, InferenceFailed
from mien.vision.classifier import Logits
from mien.vision.pipeline import Pipeline

log = logging.getLogger(__name__)


class WorkerPool:
    """``count`` threads over one batcher and one pipeline. onnxruntime and OpenCV release the GIL.

    ``busy`` is the number of threads at work; ``last_frame`` the ``time.monotonic()`` of the last finished frame, and
    ``last_success`` of the last one with classified faces.
    """

    def __init__(self, pipeline: Pipeline, batcher: Batcher, count: int) -> None:
        self._pipeline = pipeline
        self._batcher = batcher
        self._lock = threading.Lock()
        self.busy = 0
        self.last_success: float | None = None
        self.last_frame: float | None = None
        self._threads = [
            threading.Thread(target=self._work, name=f"mien-worker-{n}", daemon=True) for n in range(count)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def alive(self) -> int:
        """The number of workers that have not ended."""
        return sum(thread.is_alive() for thread in self._threads)

    def join(self, timeout: float) -> None:
        """Wait for the threads to end; the batcher must be closed."""
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _work(self) -> None:
        while self._work_once():
            pass  # a local variable here would keep the last picture in memory while waiting for the next

    def _work_once(self) -> bool:
        work = self._batcher.take()
        if work is None:
            return False
        self._count(+1)
        try:
            if isinstance(work, FrameJob):
                self._detect(work)
                work.release()
            else:
                self._classify(work)
        finally:
            self._count(-1)
        return True

    def _count(self, step: int) -> None:
        with self._lock:
            self.busy += step

    def _detect(self, job: FrameJob) -> None:
        if job.is_done:
            return
        if job.cancellation.seconds_left == 0.0:
            job.fail(DeadlineExceeded("The deadline passed in the queue for a worker; allow more time or retry later."))
            return
        job.started_at = time.perf_counter()
        with _failures_to(job):
            assert job.frame is not None  # noqa: S101  released after this
            job.found = self._pipeline.detect(job.frame, job.options)
            job.found_at = time.perf_counter()
            if job.found.crops:
                self._batcher.put_crops(job)
            else:
                self._finish(job)

    def _classify(self, batch: Sequence[CropJob]) -> None:
        crops = [crop for crop in batch if not crop.frame.is_done]
        if len(crops) > 1:
            try:
                batch_logits = self._pipeline.classify([crop.pixels for crop in crops])
            except Exception:
                log.exception("a batch of %d faces failed; each is retried alone", len(crops))
            else:
                for crop, logits in zip(crops, batch_logits, strict=True):
                    self._classified(crop, logits)
                return
        # One crop must not fail those of other requests.
        for crop in crops:
            with _failures_to(crop.frame):
                self._classified(crop, self._pipeline.classify([crop.pixels])[0])

    def _classified(self, crop: CropJob, logits: Logits) -> None:
        if crop.frame.add_logits(crop.index, logits):
            with _failures_to(crop.frame):
                self._finish(crop.frame)

    def _finish(self, job: FrameJob) -> None:
        assert job.found is not None  # noqa: S101  called after detection
        now = time.perf_counter()
        times = StageTimes(
            queue=(job.started_at - job.queued_at) * 1e3,
            detect=(job.found_at - job.started_at) * 1e3,
            classify=(now - job.found_at) * 1e3,
        )
        logits = [job.logits[index] for index in range(len(job.found.crops))]
        result = self._pipeline.finish(job.found, logits, job.options, times)
        self.last_frame = time.monotonic()
        if logits:
            self.last_success = self.last_frame
        job.resolve(result)


@contextmanager
def _failures_to(job: FrameJob) -> Iterator[None]:
    """The boundary of a worker: any error inside fails this frame alone."""
    try:
        yield
    except Exception as error:
        log.exception("a worker failed on a %d x %d picture", job.info.width, job.info.height)
        failure = InferenceFailed(
            "A model run failed on this picture; see the service's log. Other pictures are not affected."
        )
        failure.__cause__ = error
        job.fail(failure)
