"""Whose turn it is: a bounded number of threads, shared fairly among callers."""

import asyncio
from collections import Counter, deque
from contextlib import suppress


class FairThreads:
    """At most ``count`` turns at once for one caller, and one more for the others, so that another never waits for the
    first caller's work to end. Callers take turns; the requests of one come in the order of their arrival.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}  # the caller whose turn is next first

    @property
    def saturated(self) -> bool:
        """Whether requests wait."""
        return bool(self._waiting)

    async def acquire(self, caller: str) -> None:
        """Wait for a turn of ``caller``."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append(turn)
        self._give()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._withdraw(caller, turn)
            else:
                self.release(caller)
            raise

    def release(self, caller: str) -> None:
        """End a turn of ``caller``."""
        self._running[caller] -= 1
        if not self._running[caller]:
            del self._running[caller]
        self._give()

    def _withdraw(self, caller: str, turn: "asyncio.Future[None]") -> None:
        with suppress(KeyError, ValueError):  # passed over already
            self._waiting[caller].remove(turn)
            if not self._waiting[caller]:
                del self._waiting[caller]

    def _give(self) -> None:
        while self._running.total() <= self._count:
            caller = next((one for one in self._waiting if self._running[one] < self._count), None)
            if caller is None:
                return
            turns = self._waiting.pop(caller)
            turn = turns.popleft()
            if turns:
                self._waiting[caller] = turns
            if not turn.cancelled():
                self._running[caller] += 1
                turn.set_result(None)
