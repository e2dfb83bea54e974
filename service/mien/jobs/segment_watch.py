"""What has become of the segments of the jobs of this process, in one query for all jobs that wait for theirs."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from mien.errors import JobsUnavailable
from mien.jobs.tables import Tables

_QUERY_SECONDS = 0.2
_UNFINISHED = ("ENQUEUED", "DELAYED", "PENDING")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that waits: ``left`` segments have not ended, ``failed`` is the id of one that failed."""

    is_cancelled: bool = False
    left: int = 0
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class _Snapshot:
    taken: float = -_QUERY_SECONDS
    jobs: Mapping[str, Waiting] = field(default_factory=dict)


class SegmentWatch:
    """Thread-safe: however many jobs ask, the database is asked five times a second at most."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._lock = threading.Lock()
        self._waiting: set[str] = set()
        self._snapshot = _Snapshot()

    def look(self, job: str) -> Waiting | None:
        """How the job stands, a moment ago at most; ``None``: the database does not answer."""
        with self._lock:
            self._waiting.add(job)
            now = time.monotonic()
            if job not in self._snapshot.jobs or now - self._snapshot.taken >= _QUERY_SECONDS:
                try:
                    self._snapshot = _Snapshot(now, self._query())
                except JobsUnavailable:
                    return None
            return self._snapshot.jobs[job]

    def forget(self, job: str) -> None:
        """The job does not wait any more."""
        with self._lock:
            self._waiting.discard(job)

    def _query(self) -> dict[str, Waiting]:
        table = self._tables.workflows
        jobs = sorted(self._waiting)
        with self._tables.begin() as connection:
            active = connection.scalars(
                sa.select(table.c.workflow_uuid).where(table.c.workflow_uuid.in_(jobs), table.c.status == "PENDING")
            ).all()
            # By status, so that a thousand finished segments are not read again and again.
            rows = connection.execute(
                sa.select(
                    table.c.parent_workflow_id, table.c.status, sa.func.count(), sa.func.min(table.c.workflow_uuid)
                )
                .where(table.c.parent_workflow_id.in_(jobs), table.c.status != "SUCCESS")
                .group_by(table.c.parent_workflow_id, table.c.status)
            ).all()
        left, failed = dict.fromkeys(jobs, 0), dict[str, str]()
        for job, status, number, example in rows:
            if status in _UNFINISHED:
                left[job] += number
            elif status != "CANCELLED":
                failed[job] = example
        return {job: Waiting(job not in active, left[job], failed.get(job)) for job in jobs}
