"""Which upload keeps its place when there are too many."""

import asyncio
import threading
import time
from collections.abc import Coroutine
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from fastapi import Request
from starlette.types import Message

from mien.api.admission import AdmissionGate
from mien.api.errors import UploadTimeout
from mien.api.upload_slots import KEPT_RATE, UploadSlot
from mien.errors import DeadlineExceeded, Overloaded


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("mien.api.upload_slots.time", clock)
    return clock


def gate(capacity: int) -> AdmissionGate:
    return AdmissionGate(threads=1, capacity=capacity)


async def silent() -> Message:
    await asyncio.sleep(10)
    raise AssertionError("the wait should have been cancelled")


def from_client(host: str) -> Request:
    return Request({"type": "http", "client": (host, 1234), "headers": []}, silent)


def ended(slot: UploadSlot) -> bool:
    try:
        slot.check()
    except UploadTimeout:
        return True
    return False


def test_the_slowest_gives_way_and_only_one_that_is_slow(clock: Clock) -> None:
    uploads = gate(3)
    with ExitStack() as stack:
        slow, slower, fast = (stack.enter_context(uploads.upload_slot(from_client("a"), 30)) for _ in range(3))
        clock.now += 5
        slow.count(4 * KEPT_RATE)
        slower.count(KEPT_RATE)
        fast.count(7 * KEPT_RATE)
        new = stack.enter_context(uploads.upload_slot(from_client("a"), 30))
        new.count(KEPT_RATE)
        assert [ended(one) for one in (slow, slower, fast, new)] == [False, True, False, False]
        stack.enter_context(uploads.upload_slot(from_client("a"), 30)).count(KEPT_RATE)
        assert ended(slow)
        with pytest.raises(Overloaded):
            stack.enter_context(uploads.upload_slot(from_client("a"), 30))
        assert uploads.uploading == 3
    assert uploads.uploading == 0


def test_a_burst_at_the_start_does_not_allow_a_stall(clock: Clock) -> None:
    uploads = gate(1)
    with uploads.upload_slot(from_client("a"), 30) as burst:
        burst.count(1000 * KEPT_RATE)
        clock.now += 1.5
        with pytest.raises(Overloaded), uploads.upload_slot(from_client("a"), 30):
            pass
        clock.now += 1
        with uploads.upload_slot(from_client("a"), 30):
            assert ended(burst)


def test_a_client_with_more_than_its_share_gives_way_to_another() -> None:
    uploads = gate(4)
    with ExitStack() as stack:
        many = [stack.enter_context(uploads.upload_slot(from_client("a"), 30)) for _ in range(4)]
        for k, slot in enumerate(many):
            slot.count(KEPT_RATE + k)
        first = stack.enter_context(uploads.upload_slot(from_client("b"), 30))
        first.count(KEPT_RATE)
        second = stack.enter_context(uploads.upload_slot(from_client("b"), 30))
        second.count(KEPT_RATE)
        assert [ended(one) for one in (*many, first, second)] == [True, True, False, False, False, False]
        with pytest.raises(Overloaded):
            stack.enter_context(uploads.upload_slot(from_client("b"), 30))


def test_an_upload_that_waits_for_its_client_ends_at_once() -> None:
    async def main() -> None:
        uploads = gate(1)
        with uploads.upload_slot(from_client("a"), 30) as slow:
            waiting = asyncio.create_task(slow.receive())
            await asyncio.sleep(0)
            with uploads.upload_slot(from_client("a"), 30), pytest.raises(UploadTimeout, match="make room"):
                await waiting
        assert uploads.uploading == 0

    asyncio.run(asyncio.wait_for(main(), 5))


def test_an_upload_that_stalls_times_out() -> None:
    async def main() -> None:
        with gate(1).upload_slot(from_client("a"), 0.05) as slot, pytest.raises(UploadTimeout, match="stalled"):
            await slot.receive()

    asyncio.run(asyncio.wait_for(main(), 5))


def test_requests_run_in_the_order_of_their_arrival_and_one_too_many_is_refused() -> None:
    async def main() -> None:
        admission = AdmissionGate(threads=1, capacity=3)
        release = threading.Event()
        order: list[int] = []

        def work(number: int) -> int:
            release.wait(10)
            order.append(number)
            return number

        def run(number: int) -> Coroutine[Any, Any, int]:
            return admission.run(from_client("a"), partial(work, number), None, threading.Event())

        running = [asyncio.create_task(run(number)) for number in range(3)]
        await asyncio.sleep(0.01)
        assert admission.admitted == 3
        with pytest.raises(Overloaded, match=r"The queue is full \(3 requests\)"):
            admission.check("a")
        release.set()
        assert await asyncio.gather(*running) == order == [0, 1, 2]
        assert admission.admitted == 0

    asyncio.run(asyncio.wait_for(main(), 10))


def test_work_that_runs_is_not_ended_by_the_deadline_of_the_wait() -> None:
    async def main() -> None:
        admission = AdmissionGate(threads=1, capacity=2)
        cancelled = threading.Event()
        soon = time.monotonic() + 0.05
        first = asyncio.create_task(admission.run(from_client("a"), lambda: time.sleep(0.2), soon, cancelled))
        await asyncio.sleep(0.01)
        with pytest.raises(DeadlineExceeded):
            await admission.run(from_client("a"), lambda: None, soon, threading.Event())
        await first
        assert not cancelled.is_set()

    asyncio.run(asyncio.wait_for(main(), 10))
