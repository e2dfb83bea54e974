"""Turns between clients: the order in which the segments of all jobs are analysed.

Start-time fair queueing (Goyal, Vin and Cheng, 1996): a segment's priority is the virtual time at which it starts. A
client's segments follow one another, at distances of their length divided by the client's share; a client that had
nothing to do starts at the present, which is the priority of the segments under way.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from mien.jobs.model import Client
from mien.jobs.tables import Tables

_UNITS_PER_SECOND = 0.5  # of video: 2^31 of them are 136 years without a pause, which DBOS's priorities suffice for
_MIN_STEP = 4
_LAST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Places:
    """The priorities of the segments of one job."""

    first: int
    step: int

    def priority(self, at: int) -> int:
        """Of segment ``at``; the lowest goes first."""
        return min(self.first + at * self.step, _LAST)


class FairQueue:
    """``queue`` is the name of the segments' queue."""

    def __init__(self, tables: Tables, queue: str) -> None:
        self._tables = tables
        self._queue = queue

    def place(self, client: Client, segments: int, seconds: float) -> Places:
        """Places in the queue for the segments of a job, each of so many seconds of a clip (0: it is not known)."""
        tables, shares = self._tables, self._tables.shares
        step = max(1, round(max(_MIN_STEP, seconds * _UNITS_PER_SECOND) / client.share))
        with tables.begin() as connection:
            # A write before the reads: SQLite refuses one after them if another process has written meanwhile.
            connection.execute(sa.delete(shares).where(shares.c.reach < 0))
            now = self._now(connection)
            # Who is not ahead of the present has no turn to wait for.
            connection.execute(sa.delete(shares) if now is None else sa.delete(shares).where(shares.c.reach <= now))
            present = 1 if now is None else now
            added = segments * step
            statement = tables.insert(shares).values(client=client.name, reach=present + added)
            reach = connection.scalar(
                statement.on_conflict_do_update(
                    index_elements=[shares.c.client],
                    set_={"reach": sa.case((shares.c.reach > present, shares.c.reach), else_=present) + added},
                ).returning(shares.c.reach)
            )
        assert reach is not None  # noqa: S101 - there is a row now
        return Places(int(reach) - added, step)

    def _now(self, connection: sa.Connection) -> int | None:
        """The priority of the last segment that was started, or of the first that waits; ``None`` if there is none."""
        table = self._tables.workflows
        for status, edge in (("PENDING", sa.func.max), ("ENQUEUED", sa.func.min)):
            found = connection.scalar(
                sa.select(edge(table.c.priority)).where(table.c.queue_name == self._queue, table.c.status == status)
            )
            if found is not None:
                return int(found)
        return None
