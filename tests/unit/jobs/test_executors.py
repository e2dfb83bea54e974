import pytest
import sqlalchemy as sa

from mien.jobs.executors import DEAD_SECONDS, Executors, NameTaken
from mien.jobs.tables import Tables


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def joined(tables: Tables, name: str, clock: Clock) -> Executors:
    executors = Executors(tables, name, "1", clock)
    executors.beat()
    return executors


def pass_time(clock: Clock, *alive: Executors, seconds: float = DEAD_SECONDS) -> list[list[str]]:
    """What each of those alive takes for dead at last."""
    dead: list[list[str]] = []
    for _ in range(round(seconds / 2.5)):
        clock.seconds += 2.5
        dead = [one.beat() for one in alive]
    return dead


def test_whose_count_stands_still_is_dead_after_a_while(tables: Tables, clock: Clock) -> None:
    one, other = (joined(tables, name, clock) for name in ("one", "other"))
    assert pass_time(clock, one, other) == [[], []]
    assert pass_time(clock, one, seconds=DEAD_SECONDS - 5) == [[]]
    assert pass_time(clock, one, seconds=7.5) == [["other"]]
    one.forget("other")
    assert pass_time(clock, one) == [[]]
    assert other.beat() == []  # it was only slow, and takes part again
    assert pass_time(clock, one, seconds=5) == [[]]


def test_who_leaves_is_not_waited_for(tables: Tables, clock: Clock) -> None:
    one, other = (joined(tables, name, clock) for name in ("one", "other"))
    other.leave()
    assert one.beat() == ["other"]


def test_after_an_outage_all_have_time_to_come_back(tables: Tables, clock: Clock) -> None:
    one, _ = (joined(tables, name, clock) for name in ("one", "other"))
    clock.seconds += 60  # none could beat
    assert one.beat() == []
    assert pass_time(clock, one, seconds=DEAD_SECONDS - 5) == [[]]
    assert pass_time(clock, one, seconds=5) == [["other"]]


def test_work_of_a_process_without_a_row_is_found(tables: Tables, clock: Clock) -> None:
    with tables.engine.begin() as connection:
        for version in "12":
            row = "VALUES (:version, 'PENDING', '', 'gone-' || :version, '', 0, 0, :version)"
            connection.execute(sa.text("INSERT INTO workflow_status " + row), {"version": version})
    assert pass_time(clock, joined(tables, "one", clock)) == [["gone-1"]]


def test_a_name_belongs_to_the_process_that_took_it_last(tables: Tables, clock: Clock) -> None:
    old = joined(tables, "same", clock)
    new = joined(tables, "same", clock)
    with pytest.raises(NameTaken):
        old.beat()
    old.leave()
    assert joined(tables, "one", clock).beat() == []
    assert new.beat() == []


def test_one_of_them_is_first(tables: Tables, clock: Clock) -> None:
    processes = [joined(tables, name, clock) for name in "bac"]
    for one in processes:
        one.beat()
    assert [one.is_first for one in processes] == [False, True, False]
    processes[1].leave()
    processes[0].beat()
    assert processes[0].is_first
