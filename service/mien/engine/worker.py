"""A worker thread: takes work, runs the pipeline, resolves futures. A failure affects only its own frame."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from mien.domain import StageTimes
from mien.engine.batcher import Batcher, CropJob, FrameJob
from mien.engine.priority import yield_to_event_loop
from mien.engine.shared import PipelineSource, Progress
from mien.errors import DeadlineExceeded, InferenceFailed, MienError, WorkerLost
from mien.vision.classifier import Logits

log = logging.getLogger(__name__)


class Worker:
    """One thread. onnxruntime and OpenCV release the GIL.

    Args:
        name: of the thread.
        renews: the version of a pipeline that must not be used any more; the thread first loads it again.
        on_failure: called from the thread when that fails.
    """

    def __init__(
        self,
        name: str,
        batcher: Batcher,
        source: PipelineSource,
        progress: Progress,
        *,
        renews: int | None = None,
        on_failure: Callable[[MienError], None] | None = None,
    ) -> None:
        self._batcher = batcher
        self._source = source
        self._progress = progress
        self._on_failure = on_failure
        self._lock = threading.Lock()
        self._work: FrameJob | list[CropJob] | None = None
        self._since: float | None = None
        self._abandoned = False
        self.version = source.version
        """Of the pipeline that does the present work."""
        self.is_starting = renews is not None
        self._thread = threading.Thread(target=self._run, args=(renews,), name=name, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread has not ended."""
        return self._thread.is_alive()

    @property
    def is_busy(self) -> bool:
        """Whether the thread is at work."""
        return self._since is not None

    @property
    def busy_seconds(self) -> float:
        """For how long the thread has been at the work it does now; 0 if it waits for some."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def abandon(self, seconds: float) -> bool:
        """Give up a thread that has ended, or has been at the same work for more than ``seconds``, and fail that work.

        Returns:
            Whether it is given up: a thread that became free in the last moment goes on.
        """
        with self._lock:
            if self.is_alive and self.busy_seconds <= seconds:
                return False
            self._abandoned = True
            self._fail_work()
            return True

    def join(self, timeout: float) -> None:
        """Wait for the thread to end; the batcher must be closed."""
        self._thread.join(timeout)

    def _fail_work(self) -> None:
        work, self._work = self._work, None
        error = WorkerLost("The worker that had this picture stopped working and is replaced; send the request again.")
        if isinstance(work, FrameJob):
            work.fail(error)
            work.release()
        elif work is not None:
            for crop in work:
                crop.frame.fail(error)

    def _run(self, renews: int | None) -> None:
        yield_to_event_loop()
        if renews is not None and not self._renew(renews):
            return
        try:
            while self._work_once():
                pass  # a local variable here would keep the last picture in memory while waiting for the next
        finally:
            self._fail_work()  # whatever ended the thread, a caller waits for an answer

    def _renew(self, version: int) -> bool:
        self._since = time.monotonic()
        try:
            self._source.renew(version)
        except Exception as error:
            log.exception("a worker cannot be replaced")
            if self._on_failure is not None:
                self._on_failure(error if isinstance(error, MienError) else WorkerLost("A worker cannot be replaced."))
            return False
        self.is_starting = False
        return self._done()

    def _work_once(self) -> bool:
        work = self._batcher.take()
        if work is None:
            return False
        with self._lock:
            self._work, self._since, self.version = work, time.monotonic(), self._source.version
        if isinstance(work, FrameJob):
            self._detect(work)
            work.release()
        else:
            self._classify(work)
        return self._done()

    def _done(self) -> bool:
        with self._lock:
            self._work = self._since = None
            return not self._abandoned

    def _detect(self, job: FrameJob) -> None:
        if job.is_done:
            return
        if job.cancellation.seconds_left == 0.0:
            job.fail(DeadlineExceeded("The deadline passed in the queue for a worker; allow more time or retry later."))
            return
        job.started_at = time.perf_counter()
        with _failures_to(job):
            frame = job.frame
            assert frame is not None  # noqa: S101  released after this
            job.found = self._source.current.detect(frame, job.options)
            job.found_at = time.perf_counter()
            if job.found.crops:
                self._batcher.put_crops(job)
            else:
                self._finish(job)

    def _classify(self, batch: Sequence[CropJob]) -> None:
        pipeline = self._source.current
        crops = [crop for crop in batch if not crop.frame.is_done]
        if len(crops) > 1:
            try:
                batch_logits = pipeline.classify([crop.pixels for crop in crops])
            except Exception:
                log.exception("a batch of %d faces failed; each is retried alone", len(crops))
            else:
                for crop, logits in zip(crops, batch_logits, strict=True):
                    self._classified(crop, logits)
                return
        # One crop must not fail those of other requests.
        for crop in crops:
            with _failures_to(crop.frame):
                self._classified(crop, pipeline.classify([crop.pixels])[0])

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
        result = self._source.current.finish(job.found, logits, job.options, times)
        self._progress.finished(len(logits))
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
