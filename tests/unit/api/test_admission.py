"""Which upload keeps its place when there are too many."""

import asyncio
from contextlib import ExitStack

import pytest
from anyio import CancelScope
from fastapi import Request

from mien.api.admission import KEPT_RATE, AdmissionGate, UploadSlot
from mien.api.errors import UploadTimeout
from mien.errors import Overloaded


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("mien.api.admission.time", clock)
    return clock


def gate(capacity: int) -> AdmissionGate:
    return AdmissionGate(threads=1, capacity=capacity)


def from_client(host: str) -> Request:
    return Request({"type": "http", "client": (host, 1234)})


def ended(slot: UploadSlot) -> bool:
    try:
        slot.check()
    except UploadTimeout:
        return True
    return False


def test_the_slowest_gives_way_and_only_one_that_is_slow(clock: Clock) -> None:
    uploads = gate(3)
    with ExitStack() as stack:
        slow, slower, fast = (stack.enter_context(uploads.upload_slot(from_client("a"))) for _ in range(3))
        clock.now += 5
        slow.received(4 * KEPT_RATE)
        slower.received(KEPT_RATE)
        fast.received(7 * KEPT_RATE)
        new = stack.enter_context(uploads.upload_slot(from_client("a")))
        new.received(KEPT_RATE)
        assert [ended(one) for one in (slow, slower, fast, new)] == [False, True, False, False]
        stack.enter_context(uploads.upload_slot(from_client("a"))).received(KEPT_RATE)
        assert ended(slow)
        with pytest.raises(Overloaded):
            stack.enter_context(uploads.upload_slot(from_client("a")))
        assert uploads.uploading == 3
    assert uploads.uploading == 0


def test_a_burst_at_the_start_does_not_allow_a_stall(clock: Clock) -> None:
    uploads = gate(1)
    with uploads.upload_slot(from_client("a")) as burst:
        burst.received(1000 * KEPT_RATE)
        clock.now += 1.5
        with pytest.raises(Overloaded), uploads.upload_slot(from_client("a")):
            pass
        clock.now += 1
        with uploads.upload_slot(from_client("a")):
            assert ended(burst)


def test_a_client_with_more_than_its_share_gives_way_to_another() -> None:
    uploads = gate(4)
    with ExitStack() as stack:
        many = [stack.enter_context(uploads.upload_slot(from_client("a"))) for _ in range(4)]
        for k, slot in enumerate(many):
            slot.received(KEPT_RATE + k)
        first = stack.enter_context(uploads.upload_slot(from_client("b")))
        first.received(KEPT_RATE)
        second = stack.enter_context(uploads.upload_slot(from_client("b")))
        second.received(KEPT_RATE)
        assert [ended(one) for one in (*many, first, second)] == [True, True, False, False, False, False]
        with pytest.raises(Overloaded):
            stack.enter_context(uploads.upload_slot(from_client("b")))


def test_an_upload_that_waits_for_its_client_ends_at_once() -> None:
    async def main() -> None:
        uploads = gate(1)
        with uploads.upload_slot(from_client("a")) as slow:
            with pytest.raises(UploadTimeout), slow.waiting(CancelScope()), uploads.upload_slot(from_client("a")):
                await asyncio.sleep(10)
            assert uploads.uploading == 0

    asyncio.run(asyncio.wait_for(main(), 5))
