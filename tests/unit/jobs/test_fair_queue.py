from collections import Counter

import pytest
import sqlalchemy as sa

from mien.jobs.fair_queue import FairQueue
from mien.jobs.model import Client
from mien.jobs.tables import Tables

QUEUE = "segments"


class Cluster:
    """Segments in the table that DBOS would have, started in its order."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._fair_queue = FairQueue(tables, QUEUE)
        self._created = 0

    def submit(self, client: str, segments: int, share: float = 1.0, seconds: float = 30) -> None:
        places = self._fair_queue.place(Client(client, share), segments, seconds)
        for at in range(segments):
            self._created += 1
            values = (self._created, "ENQUEUED", client, None, QUEUE, places.priority(at), self._created, "1")
            self._execute("INSERT INTO workflow_status VALUES (:a, :b, :c, :d, :e, :f, :g, :h)", *values)

    def run(self, segments: int) -> list[str]:
        """The clients of the next segments to be started."""
        started = []
        for _ in range(segments):
            self._execute("UPDATE workflow_status SET status = 'SUCCESS' WHERE status = 'PENDING'")
            first = self._execute(
                "UPDATE workflow_status SET status = 'PENDING' WHERE workflow_uuid = ("
                "SELECT workflow_uuid FROM workflow_status WHERE status = 'ENQUEUED' "
                "ORDER BY priority, created_at LIMIT 1) RETURNING name"
            )
            started += first
        return started

    def _execute(self, statement: str, *values: object) -> list[str]:
        with self._tables.engine.begin() as connection:
            result = connection.execute(sa.text(statement), dict(zip("abcdefgh", values, strict=False)))
            return list(result.scalars()) if result.returns_rows else []


@pytest.fixture
def cluster(tables: Tables) -> Cluster:
    return Cluster(tables)


def test_a_short_clip_does_not_wait_for_a_long_one(cluster: Cluster) -> None:
    cluster.submit("long", 300)
    assert cluster.run(50) == ["long"] * 50
    cluster.submit("short", 1, seconds=10)
    assert "short" in cluster.run(2)


def test_many_jobs_of_one_client_get_no_more_than_one(cluster: Cluster) -> None:
    for _ in range(20):
        cluster.submit("many", 10)
    cluster.submit("one", 30)
    started = Counter(cluster.run(60))
    assert abs(started["one"] - started["many"]) <= 2


def test_a_share_is_kept(cluster: Cluster) -> None:
    cluster.submit("large", 100, share=3)
    cluster.submit("usual", 100)
    assert Counter(cluster.run(80))["large"] == pytest.approx(60, abs=3)


def test_segments_count_by_their_length(cluster: Cluster) -> None:
    cluster.submit("whole", 10, seconds=120)  # clips that cannot be cut
    cluster.submit("cut", 100, seconds=30)
    assert Counter(cluster.run(50))["whole"] == pytest.approx(10, abs=2)


def test_who_was_busy_before_a_pause_does_not_pay_for_it_after(cluster: Cluster) -> None:
    cluster.submit("busy", 50)
    cluster.run(51)
    cluster.submit("new", 10)
    cluster.submit("busy", 10)
    assert Counter(cluster.run(10))["busy"] == 5


def test_later_jobs_of_a_client_come_after_its_earlier_ones(cluster: Cluster) -> None:
    cluster.submit("one", 3)
    cluster.submit("other", 3)
    cluster.submit("one", 3)
    assert cluster.run(9) == ["one", "other"] * 3 + ["one"] * 3
