"""The jobs in the database, through DBOS. Every function waits for the database; call them in threads."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import msgspec
from dbos import DBOS, DBOSContextSetAuth, SetEnqueueOptions, SetWorkflowID, WorkflowStatus

from mien.errors import JobNotFound
from mien.jobs.job_run import PROGRESS, TOO_OFTEN
from mien.jobs.model import JobState, JobStatus, Progress, StoredJob
from mien.jobs.queues import CLIP_QUEUE
from mien.jobs.tables import Tables
from mien.jobs.workflow import ANALYZE

_STATES: Mapping[str, JobState] = MappingProxyType(
    {
        "ENQUEUED": JobState.QUEUED,
        "DELAYED": JobState.QUEUED,
        "PENDING": JobState.RUNNING,
        "SUCCESS": JobState.SUCCEEDED,
        "ERROR": JobState.FAILED,
        "MAX_RECOVERY_ATTEMPTS_EXCEEDED": JobState.FAILED,
        "CANCELLED": JobState.CANCELLED,
    }
)


class JobRecords:
    """``analyze`` is the workflow of a clip job."""

    def __init__(self, analyze: Callable[..., Any], tables: Tables) -> None:
        self._analyze = analyze
        self._tables = tables

    def enqueue(self, job: str, stored: StoredJob) -> StoredJob:
        """Queue a job; returns what is stored under its id, which is another one if the id was taken."""
        with (
            DBOSContextSetAuth(stored.request.owner, None),
            SetWorkflowID(job),
            SetEnqueueOptions(queue_partition_key=stored.client.name),
        ):
            DBOS.enqueue_workflow(CLIP_QUEUE, self._analyze, stored.to_json())
        return _stored(self._found(job, stored.request.owner))

    def find(self, job: str, owner: str) -> JobStatus:
        """One job.

        Raises:
            JobNotFound: ``owner`` has none with this id.
        """
        return self._statuses([self._found(job, owner)])[0]

    def stored(self, job: str, owner: str) -> StoredJob:
        """What was submitted. Raises ``JobNotFound``."""
        return _stored(self._found(job, owner))

    def listed(self, owner: str, states: Sequence[JobState], limit: int) -> list[JobStatus]:
        """The newest jobs of ``owner`` in any of ``states`` (empty: in all)."""
        found = DBOS.list_workflows(
            name=ANALYZE, user=owner, status=_names(states), limit=limit, sort_desc=True, load_output=True
        )
        return self._statuses(found)

    def active_uploads(self) -> set[str]:
        """The keys of the uploads of jobs that have not ended."""
        found = DBOS.list_workflows(name=ANALYZE, status=_names([JobState.QUEUED, JobState.RUNNING]))
        return {_stored(one).upload for one in found}

    def check(self) -> None:
        """Ask the database for something small; it does not answer while it is away."""
        DBOS.list_workflows(name=ANALYZE, limit=1, load_input=False, load_output=False)

    def ids(self) -> set[str]:
        """The ids of all jobs."""
        found = DBOS.list_workflows(name=ANALYZE, load_input=False, load_output=False)
        return {one.workflow_id for one in found}

    def ended_before(self, instant: float) -> list[str]:
        """The ids of jobs that ended before ``instant``, in seconds since 1970."""
        found = DBOS.list_workflows(
            name=ANALYZE,
            status=_names([state for state in JobState if not state.is_active]),
            completed_before=datetime.fromtimestamp(instant, UTC).isoformat(),
            load_input=False,
            load_output=False,
        )
        return [one.workflow_id for one in found]

    def cancel(self, job: str) -> None:
        """Cancel an active job and its segments."""
        DBOS.cancel_workflow(job, cancel_children=True)

    def forget(self, job: str) -> None:
        """Delete what the database has of a job that ended."""
        DBOS.delete_workflows([job], delete_children=True)

    def _statuses(self, found: Sequence[WorkflowStatus]) -> list[JobStatus]:
        started = [one.workflow_id for one in found if _STATES[one.status] is not JobState.QUEUED]
        events = self._tables.values(PROGRESS, started) if started else {}
        return [_status(one, events.get(one.workflow_id)) for one in found]

    def _found(self, job: str, owner: str) -> WorkflowStatus:
        found = DBOS.get_workflow_status(job)
        if found is None or found.name != ANALYZE or found.authenticated_user != owner:
            raise JobNotFound(f"There is no job {job}; it may have been removed after its time.")
        return found


def _names(states: Sequence[JobState]) -> list[str] | None:
    return [name for name, state in _STATES.items() if state in states] if states else None


def _stored(found: WorkflowStatus) -> StoredJob:
    assert found.input is not None  # noqa: S101 - loaded by every query that gets here
    return StoredJob.of_json(found.input["args"][0])


def _status(found: WorkflowStatus, event: str | None) -> JobStatus:
    state = _STATES[found.status]
    progress = Progress() if event is None else msgspec.json.decode(event, type=Progress)
    return JobStatus(
        id=found.workflow_id,
        state=state,
        request=_stored(found).request,
        created=(found.created_at or 0) / 1000,
        started=_seconds(found.dequeued_at),
        finished=_seconds(found.completed_at),
        progress=progress,
        error=_error(found) if state is JobState.FAILED else None,
    )


def _error(found: WorkflowStatus) -> tuple[str, str]:
    if found.error is None:
        return TOO_OFTEN
    return str(getattr(found.error, "code", None) or "internal_error"), str(found.error)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
