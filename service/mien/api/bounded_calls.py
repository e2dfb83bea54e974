"""Calls that wait for a database: in threads, each for a bounded time, so that one that is away costs an answer."""

import math
import threading
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from anyio import CapacityLimiter, fail_after, to_thread

from mien.errors import JobsUnavailable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_SECONDS = 4.0
_LAUNCH_SECONDS = 20.0
_AT_ONCE = 16
_STUCK = 8


class BoundedCalls:
    """At most ``_AT_ONCE`` calls at once. A thread that waits longer is left behind, but no more than ``_STUCK``.

    While ``is_open`` is false the first call opens the database, which takes longer.
    """

    def __init__(self, is_open: Callable[[], bool]) -> None:
        self._is_open = is_open
        self._limiter = CapacityLimiter(_AT_ONCE)
        self._unlimited = CapacityLimiter(math.inf)
        self._threads = threading.Semaphore(_AT_ONCE + _STUCK)

    async def run(self, function: Callable[[*Ts], T], *arguments: *Ts, seconds: float | None = None) -> T:
        """``function(*arguments)`` in a thread, for at most ``seconds`` (``None``: as long as a query may take).

        Raises:
            JobsUnavailable: it took longer than ``seconds``, or too many took too long.
            And what ``function`` raises.
        """

        def call() -> T:
            try:
                return function(*arguments)
            finally:
                self._threads.release()

        if seconds is None:
            seconds = _SECONDS if self._is_open() else _LAUNCH_SECONDS
        try:
            with fail_after(seconds):
                async with self._limiter:
                    if not self._threads.acquire(blocking=False):
                        raise TimeoutError
                    return await to_thread.run_sync(call, limiter=self._unlimited, abandon_on_cancel=True)
        except TimeoutError:
            raise JobsUnavailable("The database of jobs does not answer; try again in a moment.") from None
