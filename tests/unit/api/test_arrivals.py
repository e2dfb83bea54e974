"""Which upload keeps its place."""

import asyncio
from contextlib import ExitStack

import pytest
from anyio import CancelScope

from mien.api.arrivals import KEPT_PACE, Arrival, Arrivals
from mien.api.errors import UploadTimeout
from mien.errors import Overloaded


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("mien.api.arrivals.time", clock)
    return clock


def ended(arrival: Arrival) -> bool:
    try:
        arrival.check()
    except UploadTimeout:
        return True
    return False


def test_the_slowest_gives_way_and_only_one_that_is_slow(clock: Clock) -> None:
    arrivals = Arrivals(3)
    with ExitStack() as stack:
        slow, slower, fast = (stack.enter_context(arrivals.place("a")) for _ in range(3))
        clock.now += 5
        slow.brought(4 * KEPT_PACE)
        slower.brought(KEPT_PACE)
        fast.brought(7 * KEPT_PACE)
        new = stack.enter_context(arrivals.place("a"))
        new.brought(KEPT_PACE)
        assert [ended(one) for one in (slow, slower, fast, new)] == [False, True, False, False]
        stack.enter_context(arrivals.place("a")).brought(KEPT_PACE)
        assert ended(slow)
        with pytest.raises(Overloaded):
            stack.enter_context(arrivals.place("a"))
        assert len(arrivals) == 3
    assert len(arrivals) == 0


def test_a_burst_at_the_start_is_no_licence_to_stall(clock: Clock) -> None:
    arrivals = Arrivals(1)
    with arrivals.place("a") as burst:
        burst.brought(1000 * KEPT_PACE)
        clock.now += 1.5
        with pytest.raises(Overloaded), arrivals.place("a"):
            pass
        clock.now += 1
        with arrivals.place("a"):
            assert ended(burst)


def test_a_caller_with_more_than_a_share_makes_room_for_another() -> None:
    arrivals = Arrivals(4)
    with ExitStack() as stack:
        many = [stack.enter_context(arrivals.place("a")) for _ in range(4)]
        for k, arrival in enumerate(many):
            arrival.brought(KEPT_PACE + k)
        first = stack.enter_context(arrivals.place("b"))
        first.brought(KEPT_PACE)
        second = stack.enter_context(arrivals.place("b"))
        second.brought(KEPT_PACE)
        assert [ended(one) for one in (*many, first, second)] == [True, True, False, False, False, False]
        with pytest.raises(Overloaded):
            stack.enter_context(arrivals.place("b"))


def test_one_that_waits_for_its_client_ends_at_once() -> None:
    async def main() -> None:
        arrivals = Arrivals(1)
        with arrivals.place("a") as slow:
            with pytest.raises(UploadTimeout), slow.waiting(CancelScope()), arrivals.place("a"):
                await asyncio.sleep(10)
            assert len(arrivals) == 0

    asyncio.run(asyncio.wait_for(main(), 5))
