"""The way from the event loop into the worker threads, bounded at its door."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from anyio import CancelScope, CapacityLimiter, to_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from service.errors import Overloaded

T = TypeVar("T")


class WorkGate:
    """At most ``capacity`` requests are inside, and at most ``threads`` of them run; the others wait without a thread.

    The bound on threads keeps the number of decoded pictures in memory small however many requests wait.
    """

    def __init__(self, threads: int, capacity: int) -> None:
        self._limiter = CapacityLimiter(threads)
        self._capacity = capacity
        self._inside = 0

    @property
    def inside(self) -> int:
        """Requests running or waiting."""
        return self._inside

    def check(self) -> None:
        """Refuse now what would be refused after its upload.

        Raises:
            Overloaded: when the gate is full.
        """
        if self._inside >= self._capacity:
            raise Overloaded(f"{self._inside} requests are already waiting; send it again in a second.")

    async def run(self, request: Request, work: Callable[[], T]) -> T:
        """``work()`` in a worker thread. A request whose client hangs up while it waits never starts.

        Raises:
            Overloaded: when the gate is full.
            ClientDisconnect: when the client hung up before a thread came free.
        """
        self.check()
        self._inside += 1
        try:
            return await self._run(request, work)
        finally:
            self._inside -= 1

    async def _run(self, request: Request, work: Callable[[], T]) -> T:
        if self._limiter.available_tokens >= 1:
            return await to_thread.run_sync(work, limiter=self._limiter)
        with CancelScope() as scope:
            watcher = asyncio.create_task(_cancel_on_hang_up(request, scope))
            try:
                # Only the wait for a thread can be cancelled; work that has begun is seen through.
                return await to_thread.run_sync(work, limiter=self._limiter)
            finally:
                watcher.cancel()
        raise ClientDisconnect


async def _cancel_on_hang_up(request: Request, scope: CancelScope) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
