"""What the database of jobs holds, counted by it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from mien.jobs.queues import CLIP_QUEUE, SEGMENT_QUEUE
from mien.jobs.tables import Tables

_STATES = {"ENQUEUED": "queued", "PENDING": "running"}
_KINDS = {CLIP_QUEUE: "job", SEGMENT_QUEUE: "segment"}


@dataclass(frozen=True, slots=True)
class QueueState:
    """``counts`` by kind (job, segment) and state (queued, running); ``waits`` are the seconds that the oldest queued
    one of a kind has waited."""

    counts: Mapping[tuple[str, str], int]
    waits: Mapping[str, float]


def queue_state(tables: Tables) -> QueueState:
    """The jobs and segments that have not ended."""
    table = tables.workflows
    query = (
        sa.select(table.c.queue_name, table.c.status, sa.func.count().label("number"), sa.func.min(table.c.created_at))
        .where(table.c.status.in_(_STATES), table.c.queue_name.in_(_KINDS))
        .group_by(table.c.queue_name, table.c.status)
    )
    with tables.begin() as connection:
        rows = connection.execute(query).all()
    counts = {(kind, state): 0 for kind in _KINDS.values() for state in _STATES.values()}
    waits = dict.fromkeys(_KINDS.values(), 0.0)
    for queue, status, number, oldest in rows:
        kind = _KINDS[queue]
        counts[kind, _STATES[status]] = int(number)
        if status == "ENQUEUED":
            waits[kind] = max(0.0, time.time() - oldest / 1000)
    return QueueState(counts, waits)
