"""One execution of a job's workflow: the clip is cut, its segments queued and waited for, and joined."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import msgspec
from dbos import DBOS

from mien.errors import Cancelled, MienError
from mien.jobs.clip_work import ClipWork, Members
from mien.jobs.execution import Execution, JobFailed
from mien.jobs.fair_queue import FairQueue, Places
from mien.jobs.model import Progress, SegmentTask, StoredJob, job_prefix, segments_prefix
from mien.jobs.segment_watch import SegmentWatch
from mien.video.parts import PartBounds

PROGRESS = "progress"
"""The name of the event that holds a job's ``Progress``."""
TOO_OFTEN = ("interrupted", "The process ended too often while it worked on this clip.")
"""Code and sentence of the error of a job that was started too often."""

_FASTEST_POLL, _SLOWEST_POLL = 0.1, 2.0
_POLL_SHARE = 0.02  # of the time waited so far, between two looks at the segments
_UNFINISHED = ["ENQUEUED", "DELAYED", "PENDING"]

QueueSegment = Callable[[SegmentTask, int], None]


@dataclass(frozen=True, slots=True)
class Shared:
    """What the jobs of a process share: the order of all segments, and one look at those that they wait for."""

    fair_queue: FairQueue
    watch: SegmentWatch


class JobRun:
    """In one thread. ``queue_segment`` is given a segment and its priority."""

    def __init__(
        self,
        work: ClipWork,
        execution: Execution,
        stored: StoredJob,
        shared: Shared,
        queue_segment: QueueSegment,
    ) -> None:
        self.job = execution.job
        self.stored = stored
        self._work = work
        self._execution = execution
        self._shared = shared
        self._queue_segment = queue_segment

    def analyze(self) -> None:
        """All steps up to the stored result."""
        work, stored, step = self._work, self.stored, self._execution.step
        cancellation = self._execution.cancellation
        step("start", self._observe_wait)
        plan = step("plan", work.plan, stored, cancellation)
        if not self._joined(plan):
            # Damaged in the middle, or frames of several shapes: only reading it at once gives the right answer.
            sampling, bounds = stored.request.video.sampling, plan["bounds"]
            whole = [{"start": sampling.start, "end": sampling.end, "key_frame": None}]
            self._joined({**plan, "bounds": whole, "seconds": plan["seconds"] * len(bounds)}, "whole-")
        if stored.request.annotated:
            step("annotate", work.annotate, self.job, stored, cancellation)

    def clean(self, failed: bool) -> None:
        """Remove what is not needed any more."""
        self._execution.step("clean", self._clean, failed)

    def remove_all(self) -> None:
        """Remove everything, outside of any step."""
        self._work.store.remove(self.stored.upload)
        self._work.store.remove_all(job_prefix(self.job))

    def _joined(self, plan: Members, prefix: str = "") -> bool:
        job, request, models, step = self.job, self.stored.request, plan["models"], self._execution.step
        bounds = msgspec.convert(plan["bounds"], list[PartBounds])
        names = [f"{prefix}{at:05}" for at in range(len(bounds))]
        DBOS.set_event(PROGRESS, asdict(Progress(len(names))))
        places = msgspec.convert(step("place", self._place, len(names), plan["seconds"]), Places)
        for at, (name, part) in enumerate(zip(names, bounds, strict=True)):
            self._queue_segment(SegmentTask(job, name, self.stored.upload, request, part, models), places.priority(at))
        step("wait", self._wait, len(names))
        return step("join", self._work.join, job, names, request, models, self._execution.cancellation)

    def _place(self, segments: int, seconds: float) -> dict[str, int]:
        return asdict(self._shared.fair_queue.place(self.stored.client, segments, seconds))

    def _wait(self, segments: int) -> int:
        """Until all segments have ended.

        Raises:
            Cancelled: the job was.
            JobFailed: one of them failed.
        """
        started, first, known = time.monotonic(), None, -1
        try:
            while True:
                waited = time.monotonic() - started
                found = self._shared.watch.look(self.job)
                if self._work.stopping.is_set() or (found is not None and found.is_cancelled):
                    raise Cancelled("The job is not waited for any more.")
                if found is not None:
                    if found.failed is not None:
                        raise _failure_of(found.failed)
                    done = segments - found.left
                    first = done if first is None else first  # what an earlier process did takes no time here
                    if done != known:
                        eta = waited / (done - first) * found.left if done > first else None
                        DBOS.set_event(PROGRESS, asdict(Progress(segments, done, eta)))
                        known = done
                    if not found.left:
                        return done
                self._work.stopping.wait(min(max(_FASTEST_POLL, waited * _POLL_SHARE), _SLOWEST_POLL))
        finally:
            self._shared.watch.forget(self.job)

    def _observe_wait(self) -> None:
        status = DBOS.get_workflow_status(self.job)
        if status is not None and status.created_at is not None:
            self._work.metrics.started(max(0.0, time.time() - status.created_at / 1000))

    def _clean(self, failed: bool) -> None:
        if failed:
            left = DBOS.list_workflows(
                parent_workflow_id=self.job, status=_UNFINISHED, load_input=False, load_output=False
            )
            if left:
                DBOS.cancel_workflows([one.workflow_id for one in left])
        self._work.store.remove(self.stored.upload)
        self._work.store.remove_all(job_prefix(self.job) if failed else segments_prefix(self.job))


def _failure_of(segment: str) -> JobFailed:
    status = DBOS.get_workflow_status(segment)
    error = None if status is None else status.error
    if error is None:
        return JobFailed(*TOO_OFTEN)
    return JobFailed(str(getattr(error, "code", None) or MienError.code), str(error))
