"""Whose turn it is."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from mien.api.turns import FairThreads


def running(main: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(main(), 5))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Work:
    """Requests that hold a turn until they are told to end; ``begun`` is the order in which they got it."""

    def __init__(self, threads: FairThreads) -> None:
        self.threads = threads
        self.begun: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._ends: dict[str, asyncio.Event] = {}

    async def send(self, *names: str) -> None:
        for name in names:
            self._ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._run(name))
        await settle()

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await settle()

    async def _run(self, name: str) -> None:
        await self.threads.acquire(name[0])
        try:
            self.begun.append(name)
            await self._ends[name].wait()
        finally:
            self.threads.release(name[0])


def test_callers_take_turns() -> None:
    async def main() -> None:
        work = Work(FairThreads(1))
        await work.send("a1", "a2", "a3", "a4", "b1", "b2", "c1")
        assert work.begun == ["a1", "b1"], "one turn, and one for others"
        for name in ("a1", "b1", "a2", "b2", "c1", "a3"):
            await work.end(name)
        assert work.begun == ["a1", "b1", "a2", "b2", "c1", "a3", "a4"]
        await work.end("a4")
        assert not work.threads.saturated

    running(main)


def test_one_caller_never_holds_the_last_turn() -> None:
    async def main() -> None:
        work = Work(FairThreads(3))
        await work.send(*(f"a{n}" for n in range(9)))
        assert len(work.begun) == 3
        await work.send("b1")
        assert work.begun[-1] == "b1"
        await work.send("b2")
        await work.end("a0")
        assert work.begun[-1] == "b2" or work.begun[-1].startswith("a")
        assert len(work.begun) == 5

    running(main)


@pytest.mark.parametrize("cancelled", [["a2"], ["a2", "a3"], ["b1"], ["a2", "b1", "a3"]])
def test_a_request_that_is_cancelled_while_it_waits_takes_no_turn(cancelled: list[str]) -> None:
    async def main() -> None:
        work = Work(FairThreads(1))
        await work.send("a1", "x1", "a2", "a3", "b1", "c1")
        for name in cancelled:
            work.tasks[name].cancel()
        await work.end("a1")
        await work.end("x1")
        expected = [name for name in ("a2", "b1", "c1", "a3") if name not in cancelled]
        for name in expected:
            await work.end(name)
        assert set(work.begun[2:]) == set(expected)
        assert not work.threads.saturated
        await work.send("z1", "y1")
        assert work.begun[-2:] == ["z1", "y1"], "no turn was lost"

    running(main)


def test_a_request_cancelled_as_it_gets_its_turn_gives_it_back() -> None:
    async def main() -> None:
        threads = FairThreads(1)
        await threads.acquire("a")
        await threads.acquire("b")
        waiting = asyncio.create_task(threads.acquire("c"))
        await settle()
        threads.release("a")  # the turn is given, and the task has not run yet
        waiting.cancel()
        await asyncio.wait([waiting])
        await asyncio.wait_for(threads.acquire("d"), 1)

    running(main)
