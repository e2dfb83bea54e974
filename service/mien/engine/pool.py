"""The workers, and the thread that watches over them: one that is stuck or dead is replaced."""

import logging
import threading
import time
from collections.abc import Callable

from mien.engine.batcher import Batcher
from mien.engine.shared import PipelineSource, Progress
from mien.engine.worker import Worker
from mien.errors import MienError, WorkerLost
from mien.vision.pipeline import Pipeline

log = logging.getLogger(__name__)

HANG_SECONDS = 30.0
"""A worker that is at the same frame or batch for longer is stuck; the slowest take a few seconds."""
_MAX_STUCK = 3  # threads given up that are still inside a call: each keeps its memory, and possibly a core


class WorkerPool:
    """``count`` workers over one batcher.

    A thread inside a native call cannot be ended: a stuck worker is given up, its callers are answered, and a new
    thread takes its place with models loaded afresh.

    Args:
        load: loads the models again, for the replacement of a stuck worker.
        hang_seconds: for which a worker may be at the same frame or batch of faces.
        on_failure: called once if workers cannot be replaced, or too many are stuck: the process must be started anew.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        batcher: Batcher,
        count: int,
        *,
        load: Callable[[], Pipeline],
        hang_seconds: float = HANG_SECONDS,
        on_failure: Callable[[MienError], None],
    ) -> None:
        self._source = PipelineSource(pipeline, load)
        self._batcher = batcher
        self._hang_seconds = hang_seconds
        self._on_failure = on_failure
        self._stuck: list[Worker] = []
        self._replaced = 0
        self._failure = ""
        self._stop = threading.Event()
        self.progress = Progress()
        self._workers: list[Worker | None] = [
            Worker(f"mien-worker-{n}", batcher, self._source, self.progress) for n in range(count)
        ]
        self._supervisor = threading.Thread(target=self._supervise, name="mien-supervisor", daemon=True)
        self._supervisor.start()

    @property
    def busy(self) -> int:
        """The number of workers at work."""
        return sum(worker.is_busy for worker in filter(None, self._workers))

    @property
    def problem(self) -> str:
        """A sentence if a worker is stuck, dead or being replaced; else empty."""
        if self._failure:
            return self._failure
        for worker in filter(None, self._workers):
            if not worker.is_alive:
                return "A worker has died and is being replaced."
            if worker.is_starting:
                return "A worker is being replaced."
            if (seconds := worker.busy_seconds) > self._hang_seconds:
                return f"A worker has been stuck for {seconds:.0f} s and is being replaced."
        return ""

    def close(self, timeout: float) -> None:
        """Wait for the threads to end, and answer the callers of those that do not; the batcher must be closed."""
        self._stop.set()
        end = time.monotonic() + timeout
        for worker in filter(None, self._workers):
            worker.join(max(0.0, end - time.monotonic()))
            worker.abandon(seconds=0.0)

    def _supervise(self) -> None:
        while not self._stop.wait(min(1.0, self._hang_seconds / 4)):
            self._stuck = [worker for worker in self._stuck if worker.is_alive]
            for place, worker in enumerate(self._workers):
                if worker is not None and not self._stop.is_set() and worker.abandon(self._hang_seconds):
                    self._workers[place] = self._replacement(place, worker)
            if not any(self._workers):
                self._batcher.close()  # there will be no answer for those who wait

    def _replacement(self, place: int, worker: Worker) -> Worker | None:
        if worker.is_alive:
            self._stuck.append(worker)
        stuck = len(self._stuck)
        log.error("a worker is %s and is given up (%d stuck)", "stuck" if worker.is_alive else "dead", stuck)
        if stuck > _MAX_STUCK:
            self._fail(WorkerLost(f"{stuck} workers are stuck; the service must be started anew."))
        if self._failure:
            return None
        self._replaced += 1
        name = f"mien-worker-{place}-{self._replaced}"
        return Worker(name, self._batcher, self._source, self.progress, renews=worker.version, on_failure=self._fail)

    def _fail(self, error: MienError) -> None:
        if not self._failure:
            self._failure = f"{error} The process ends itself."
            log.critical("%s", self._failure)
            self._on_failure(error)
