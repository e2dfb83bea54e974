"""Decodes wait while they would hold too much memory together."""

import threading
import time
from collections.abc import Callable

import pytest

from mien.errors import Cancelled, DeadlineExceeded
from mien.memory_budget import MemoryBudget


def held(budget: MemoryBudget, memory: int) -> tuple[threading.Event, threading.Event, threading.Thread]:
    """A thread that holds a lease: (it is held, release it, the thread)."""
    has, let_go = threading.Event(), threading.Event()

    def work() -> None:
        with budget.take(memory, None):
            has.set()
            let_go.wait(5)

    thread = threading.Thread(target=work)
    thread.start()
    return has, let_go, thread


def test_together_they_hold_no_more_than_allowed() -> None:
    budget = MemoryBudget(concurrency=4, memory=100)
    first, second = held(budget, 60), held(budget, 40)
    assert first[0].wait(5)
    assert second[0].wait(5)
    third = held(budget, 1)
    assert not third[0].wait(0.1)
    second[1].set()
    assert third[0].wait(5)
    for _, let_go, thread in (first, second, third):
        let_go.set()
        thread.join(5)


def test_no_more_at_once_than_allowed() -> None:
    budget = MemoryBudget(concurrency=1, memory=100)
    first, second = held(budget, 1), held(budget, 1)
    assert first[0].wait(5) != second[0].wait(0.1)
    for _, let_go, thread in (first, second):
        let_go.set()
        thread.join(5)


def test_a_large_one_is_not_passed_for_ever_by_small_ones() -> None:
    budget = MemoryBudget(concurrency=4, memory=100)
    first = held(budget, 60)
    assert first[0].wait(5)
    large = held(budget, 90)
    time.sleep(0.05)
    small = held(budget, 1)
    assert not small[0].wait(0.1)  # it would fit, but the large one came first
    first[1].set()
    assert large[0].wait(5)
    assert small[0].wait(5)
    for _, let_go, thread in (large, small):
        let_go.set()
        thread.join(5)


def test_one_larger_than_everything_starts_when_nothing_else_is_held() -> None:
    with MemoryBudget(concurrency=2, memory=100).take(1000, None):
        pass


def cancel() -> None:
    raise Cancelled("cancelled")


@pytest.mark.parametrize(
    ("seconds", "raise_if_cancelled", "error"),
    [(0.05, None, DeadlineExceeded), (None, cancel, Cancelled)],
    ids=["deadline", "cancelled"],
)
def test_a_cancelled_wait_leaves_the_queue(
    seconds: float | None, raise_if_cancelled: Callable[[], None] | None, error: type[Exception]
) -> None:
    budget = MemoryBudget(concurrency=2, memory=100)
    first = held(budget, 60)
    assert first[0].wait(5)
    started = time.monotonic()
    with pytest.raises(error), budget.take(90, None if seconds is None else started + seconds, raise_if_cancelled):
        pass
    assert 0.04 < time.monotonic() - started < 1
    with budget.take(40, time.monotonic() + 5):
        pass
    first[1].set()
    first[2].join(5)


def test_what_is_kept_counts_until_it_is_released() -> None:
    budget = MemoryBudget(concurrency=1, memory=100)
    with budget.take(90, None) as lease:
        lease.keep(40)
    with budget.take(60, time.monotonic() + 5):
        pass
    with pytest.raises(DeadlineExceeded), budget.take(61, time.monotonic() + 0.05):
        pass
    for _ in range(2):  # the second time is harmless
        lease.release()
    with budget.take(100, time.monotonic() + 5):
        pass


def test_no_more_can_be_kept_than_was_held() -> None:
    budget = MemoryBudget(concurrency=1, memory=100)
    with budget.take(10, None) as lease:
        lease.keep(1000)
    with budget.take(90, time.monotonic() + 5):
        pass
    lease.release()
    with budget.take(100, time.monotonic() + 5):
        pass


def test_what_was_kept_and_dropped_is_released() -> None:
    budget = MemoryBudget(concurrency=1, memory=100)
    with budget.take(90, None) as lease:
        lease.keep(40)
    del lease
    with budget.take(100, time.monotonic() + 5):
        pass


def test_an_error_releases_everything() -> None:
    budget = MemoryBudget(concurrency=1, memory=100)

    def broken() -> None:
        with budget.take(90, None) as lease:
            lease.keep(40)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        broken()
    with budget.take(100, time.monotonic() + 5):
        pass


def test_a_deadline_that_passed_before_is_not_blamed_on_others() -> None:
    with pytest.raises(DeadlineExceeded, match="before the file could be decoded"), MemoryBudget(1, 100).take(1, 0.0):
        pass
