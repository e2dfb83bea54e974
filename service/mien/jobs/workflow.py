"""The durable workflow of a clip job, on DBOS: every step's outcome is kept in the database, so that a process that
takes the job up again goes on after the last step that ended."""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any, TypeVar

from dbos import DBOS, SetEnqueueOptions, SetWorkflowID, StepOptions
from dbos import error as dbos_errors

from mien.domain import Cancellation
from mien.errors import Cancelled, InferenceFailed, JobsUnavailable, MienError, StorageFull
from mien.jobs.clip_work import ClipWork, JobClip, JobInterrupted, Members
from mien.jobs.model import Progress, StoredJob, job_prefix, segments_prefix
from mien.jobs.webhooks import WebhookSender, message_of

T = TypeVar("T")

CLIP_QUEUE = "mien-clips"
WEBHOOK_QUEUE = "mien-webhooks"
ANALYZE = "analyze_clip"
DELIVER = "deliver_webhook"
PROGRESS = "progress"
"""The name of the event that holds a job's ``Progress``."""

_LOGGER = logging.getLogger("mien.jobs")
_INTERNAL = "Something failed inside the service; its log has the job's id. Submit the clip again."
_MAX_STARTS = 50  # of one job: a clip that ends the process every time must not do so for ever
_ATTEMPTS = 3
_CANCEL_POLL_SECONDS = 1.0
# The delays of a webhook's attempts after the first, in seconds: nearly a day in all, as Standard Webhooks suggests.
_WEBHOOK_DELAYS = (5.0, 30.0, 120.0, 600.0, 3600.0, 7200.0, 21600.0, 43200.0)


class JobFailed(Exception):
    """Ends a job. ``code`` and the message are for the caller."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def register(work: ClipWork, sender: WebhookSender) -> Callable[[Members], Members]:
    """Make the workflows known to DBOS; returns the one that analyses a clip, given a ``StoredJob``."""

    @DBOS.workflow(name=DELIVER, max_recovery_attempts=_MAX_STARTS)
    def deliver(message: Members, attempt: int) -> bool:
        received = DBOS.run_step({"name": "send"}, sender.send, message)
        if not received and attempt < len(_WEBHOOK_DELAYS):
            # A workflow of its own: one that slept would keep the process from ending.
            with SetEnqueueOptions(delay_seconds=_WEBHOOK_DELAYS[attempt]):
                DBOS.enqueue_workflow(WEBHOOK_QUEUE, deliver, message, attempt + 1)
        return received

    @DBOS.workflow(name=ANALYZE, max_recovery_attempts=_MAX_STARTS)
    def analyze(members: Members) -> Members:
        job = str(DBOS.workflow_id)
        run = _Run(work, job, StoredJob.of_json(members))
        try:
            outcome = run.analyze()
        except Exception as error:  # noqa: BLE001 - the boundary: it becomes the job's error, or is logged
            failure = _failure(job, error)
            run.clean(failed=True)
            notify(run, "job.failed", failure)
            work.metrics.ended("failed")
            raise failure from None
        except (dbos_errors.DBOSWorkflowCancelledError, dbos_errors.DBOSWorkflowConflictIDError):
            if run.was_cancelled():
                # No step can run any more; whatever was written since the request to cancel goes too.
                work.store.remove(run.stored.upload)
                work.store.remove_all(job_prefix(job))
                work.metrics.ended("cancelled")
            raise
        run.clean(failed=False)
        notify(run, "job.succeeded", None)
        work.metrics.ended("succeeded")
        return outcome

    def notify(run: "_Run", kind: str, failure: JobFailed | None) -> None:
        address = run.stored.request.webhook
        if address is not None:
            message = message_of(address, run.job, kind, (failure.code, str(failure)) if failure else None)
            with SetWorkflowID(f"{run.job}-webhook"):
                DBOS.enqueue_workflow(WEBHOOK_QUEUE, deliver, message, 0)

    return analyze


class _Run:
    """One execution of one job's workflow, in one thread."""

    def __init__(self, work: ClipWork, job: str, stored: StoredJob) -> None:
        self.job = job
        self.stored = stored
        self._work = work
        self._cancellation = Cancellation(is_cancelled=self._is_cancelled)
        self._next_poll = 0.0

    def analyze(self) -> Members:
        """All steps up to the stored result."""
        work, request = self._work, self.stored.request
        self._step("start", self._observe_wait)
        with ExitStack() as stack:
            path = stack.enter_context(work.store.local_copy(self.stored.upload))
            clip = JobClip(self.job, path, request, self._cancellation)
            plan = self._step("plan", work.plan, clip)
            outcome = self._segments(clip, plan)
            if not outcome["joined"]:
                # Damaged in the middle, or frames of several shapes: only reading it at once gives the right answer.
                sampling = request.video.sampling
                whole = {**plan, "bounds": [{"start": sampling.start, "end": sampling.end, "key_frame": None}]}
                outcome = self._segments(clip, whole, "whole-")
            if request.annotated:
                self._step("annotate", work.annotate, clip)
        return outcome

    def was_cancelled(self) -> bool:
        """Asked after DBOS has ended this execution: another one may have taken the job over instead."""
        try:
            status = DBOS.get_workflow_status(self.job)
        except dbos_errors.DBOSWorkflowCancelledError:
            return True
        except dbos_errors.DBOSWorkflowConflictIDError:
            return False
        return status is None or status.status == "CANCELLED"

    def clean(self, failed: bool) -> None:
        """Remove what is not needed any more."""
        self._step("clean", self._remove, failed)

    def _segments(self, clip: JobClip, plan: Members, prefix: str = "") -> Members:
        work = self._work
        count = len(plan["bounds"])
        names = [f"{prefix}{at:05}" for at in range(count)]
        busy = 0.0
        DBOS.set_event(PROGRESS, asdict(Progress(count)))
        for at, name in enumerate(names):
            done = self._step(f"segment {name}", work.segment, clip, name, plan, at)
            busy += done["seconds"]
            DBOS.set_event(PROGRESS, asdict(Progress(count, at + 1, busy)))
        return self._step("join", work.join, self.job, names, clip.request, plan)

    def _step(self, name: str, function: Callable[..., T], *arguments: Any) -> T:
        """Run a step, unless it ended before; a passing error is tried again."""

        def run() -> T:
            try:
                return function(*arguments)
            except Cancelled:
                if self._work.stopping.is_set():
                    raise JobInterrupted from None
                raise dbos_errors.DBOSWorkflowCancelledError(f"job {self.job} was cancelled") from None

        def is_passing(error: BaseException) -> bool:
            passing = isinstance(error, JobsUnavailable | StorageFull | InferenceFailed)
            if passing:
                self._work.metrics.retry(name.partition(" ")[0])
            return passing

        options: StepOptions = {
            "name": name,
            "retries_allowed": True,
            "max_attempts": _ATTEMPTS,
            "should_retry": is_passing,
        }
        return DBOS.run_step(options, run)

    def _observe_wait(self) -> None:
        status = DBOS.get_workflow_status(self.job)
        if status is not None and status.created_at is not None:
            self._work.metrics.started(max(0.0, time.time() - status.created_at / 1000))

    def _remove(self, failed: bool) -> None:
        self._work.store.remove(self.stored.upload)
        self._work.store.remove_all(job_prefix(self.job) if failed else segments_prefix(self.job))

    def _is_cancelled(self) -> bool:
        """Asked at every frame; the database is asked once a second."""
        if self._work.stopping.is_set():
            return True
        if time.monotonic() < self._next_poll:
            return False
        self._next_poll = time.monotonic() + _CANCEL_POLL_SECONDS
        status = DBOS.get_workflow_status(self.job)
        return status is None or status.status == "CANCELLED"


def _failure(job: str, error: Exception) -> JobFailed:
    if isinstance(error, dbos_errors.DBOSMaxStepRetriesExceeded):
        error = error.errors[-1]
    code = getattr(error, "code", None)
    known = isinstance(error, MienError) or type(error).__name__ == "PortableWorkflowError"
    if known and isinstance(code, str) and code not in (MienError.code, InferenceFailed.code):
        _LOGGER.info("job failed", extra={"fields": {"job": job, "code": code}})
        return JobFailed(code, str(error))
    _LOGGER.error("job failed unexpectedly", exc_info=error, extra={"fields": {"job": job}})
    return JobFailed(MienError.code, _INTERNAL)
