"""The durable workflows of a clip job, on DBOS: every step's outcome is kept in the database, so that a process that
takes the job up again goes on after the last step that ended.

A job is a workflow that cuts the clip, waits for its segments and joins them. Each segment is a workflow of its own in
a queue that all processes share.
"""

from collections.abc import Callable
from dataclasses import dataclass

from dbos import DBOS, SetEnqueueOptions, SetWorkflowID
from dbos import error as dbos_errors

from mien.jobs.clip_work import ClipWork, Members
from mien.jobs.execution import Execution, JobFailed
from mien.jobs.fair_queue import FairQueue
from mien.jobs.job_run import JobRun, Shared
from mien.jobs.model import SegmentTask, StoredJob, segment_id, segments_prefix
from mien.jobs.queues import SEGMENT_QUEUE, WEBHOOK_QUEUE
from mien.jobs.segment_watch import SegmentWatch
from mien.jobs.tables import Tables
from mien.jobs.webhooks import WebhookSender, message_of

ANALYZE = "analyze_clip"
SEGMENT = "analyze_segment"
DELIVER = "deliver_webhook"

_MAX_STARTS = 50  # of one job: a clip that ends the process every time must not do so for ever
_MAX_SEGMENT_STARTS = 10
# The delays of a webhook's attempts after the first, in seconds: nearly a day in all, as Standard Webhooks suggests.
_WEBHOOK_DELAYS = (5.0, 30.0, 120.0, 600.0, 3600.0, 7200.0, 21600.0, 43200.0)


@dataclass(frozen=True, slots=True)
class Workflows:
    """``analyze`` analyses a clip, given a ``StoredJob`` as members of a JSON object."""

    analyze: Callable[[Members], None]


def register(work: ClipWork, sender: WebhookSender, tables: Tables) -> Workflows:
    """Make the workflows known to DBOS."""
    shared = Shared(FairQueue(tables, SEGMENT_QUEUE), SegmentWatch(tables))

    @DBOS.workflow(name=DELIVER, max_recovery_attempts=_MAX_STARTS)
    def deliver(message: Members, attempt: int) -> bool:
        received = DBOS.run_step({"name": "send"}, sender.send, message)
        if not received and attempt < len(_WEBHOOK_DELAYS):
            # A workflow of its own: one that slept would keep the process from ending.
            with SetEnqueueOptions(delay_seconds=_WEBHOOK_DELAYS[attempt]):
                DBOS.enqueue_workflow(WEBHOOK_QUEUE, deliver, message, attempt + 1)
        return received

    @DBOS.workflow(name=SEGMENT, max_recovery_attempts=_MAX_SEGMENT_STARTS)
    def segment(members: Members) -> float:
        task = SegmentTask.of_json(members)
        execution = Execution(work, tables, str(DBOS.workflow_id), task.job)
        try:
            return execution.step("segment", work.segment, task, execution.cancellation)
        except Exception as error:  # noqa: BLE001 - the boundary: it becomes the job's error, or is logged
            raise execution.failure(error) from None
        except (dbos_errors.DBOSWorkflowCancelledError, dbos_errors.DBOSWorkflowConflictIDError):
            if not execution.is_awaited():
                # The job was cancelled, or this process was cut off and the job has ended elsewhere.
                work.store.remove(segments_prefix(task.job) + task.name)
            raise

    def queue_segment(task: SegmentTask, priority: int) -> None:
        with SetWorkflowID(segment_id(task.job, task.name)), SetEnqueueOptions(priority=priority):
            DBOS.enqueue_workflow(SEGMENT_QUEUE, segment, task.to_json())

    @DBOS.workflow(name=ANALYZE, max_recovery_attempts=_MAX_STARTS)
    def analyze(members: Members) -> None:
        job = str(DBOS.workflow_id)
        execution = Execution(work, tables, job, job)
        run = JobRun(work, execution, StoredJob.of_json(members), shared, queue_segment)
        try:
            run.analyze()
        except Exception as error:  # noqa: BLE001 - the boundary: it becomes the job's error, or is logged
            failure = execution.failure(error)
            run.clean(failed=True)
            notify(run, "job.failed", failure)
            work.metrics.ended("failed")
            raise failure from None
        except (dbos_errors.DBOSWorkflowCancelledError, dbos_errors.DBOSWorkflowConflictIDError):
            if execution.was_cancelled():
                # No step can run any more; whatever was written since the request to cancel goes too.
                run.remove_all()
                work.metrics.ended("cancelled")
            raise
        run.clean(failed=False)
        notify(run, "job.succeeded", None)
        work.metrics.ended("succeeded")

    def notify(run: JobRun, kind: str, failure: JobFailed | None) -> None:
        address = run.stored.request.webhook
        if address is not None:
            message = message_of(address, run.job, kind, (failure.code, str(failure)) if failure else None)
            with SetWorkflowID(f"{run.job}-webhook"):
                DBOS.enqueue_workflow(WEBHOOK_QUEUE, deliver, message, 0)

    return Workflows(analyze)
