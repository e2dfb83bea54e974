"""The way from the event loop into the worker threads, bounded at its door."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol, TypeVar

from anyio import CancelScope, CapacityLimiter, Semaphore, WouldBlock, current_time, to_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from mien.api.arrivals import Arrival, Arrivals
from mien.errors import Cancelled, DeadlineExceeded, Overloaded

T = TypeVar("T")


class Turn(Protocol):
    """What a request may need besides a thread, one request at a time."""

    @property
    def free(self) -> Semaphore:
        """Acquired for it."""

    def taken(self) -> None:
        """``free`` was acquired."""

    def release(self) -> None:
        """Let the next one have it; more than once is harmless."""


class AdmissionGate:
    """At most ``capacity`` requests are inside, and at most ``threads`` of them run; the others wait without a thread.

    As many again may be arriving, that is, sending their bodies; see ``Arrivals``. They are counted apart, so that slow
    uploads take no place from requests in work. The bound on threads keeps the number of decoded pictures in memory
    small however many requests wait.
    """

    def __init__(self, threads: int, capacity: int) -> None:
        self._free = Semaphore(threads)
        self._limiter = CapacityLimiter(threads)
        self._capacity = capacity
        self._inside = 0
        self._arrivals = Arrivals(capacity)

    @property
    def inside(self) -> int:
        """Requests running or waiting."""
        return self._inside

    @property
    def arriving(self) -> int:
        """Requests whose bodies are being read."""
        return len(self._arrivals)

    @contextmanager
    def arrival(self, request: Request) -> Iterator[Arrival]:
        """Holds a place for an upload while its body is read.

        Raises:
            Overloaded: when as many are arriving as may, or the request would be refused after its upload.
        """
        self._check()
        with self._arrivals.place(request.client.host if request.client else "") as arrival:
            yield arrival

    async def run(
        self,
        request: Request,
        work: Callable[[], T],
        deadline: float | None,
        gone: threading.Event,
        turn: Turn | None = None,
    ) -> T:
        """``work()`` in a worker thread. A request whose client hangs up while it waits never starts.

        Args:
            request: whose client is watched.
            work: may end itself with ``Cancelled`` once ``gone`` is set.
            deadline: of the wait for a thread, as ``time.monotonic()`` counts; ``work`` watches its own.
            gone: set when the client hangs up while the work runs, or the service stops.
            turn: waited for before a thread is; released by ``work`` as soon as it can, and at the end at the latest.

        Raises:
            Overloaded: when the gate is full.
            DeadlineExceeded: when the deadline passed before a thread came free.
            ClientDisconnect: when the client hung up before a thread came free, or the work ended for that.
        """
        self._check()
        self._inside += 1
        try:
            if turn is not None:
                await self._wait(turn.free, request, deadline)
                turn.taken()
            await self._wait(self._free, request, deadline)
            try:
                async with _watched(request, gone):
                    return await to_thread.run_sync(work, limiter=self._limiter)
            except Cancelled:
                raise ClientDisconnect from None
            finally:
                self._free.release()
        finally:
            self._inside -= 1
            if turn is not None:
                turn.release()

    def _check(self) -> None:
        if self._inside >= self._capacity:
            raise Overloaded(f"{self._inside} requests are already waiting; send it again in a second.")

    async def _wait(self, free: Semaphore, request: Request, deadline: float | None) -> None:
        try:
            free.acquire_nowait()
        except WouldBlock:
            pass
        else:
            return
        with CancelScope() as scope:
            if deadline is not None:
                # The event loop's clock need not be time.monotonic().
                scope.deadline = current_time() + deadline - time.monotonic()
            watcher = asyncio.create_task(_on_hang_up(request, scope.cancel))
            try:
                await free.acquire()
                return
            finally:
                is_cancelled = not watcher.cancel()  # it ends by itself only then
        if is_cancelled:
            raise ClientDisconnect
        raise DeadlineExceeded("The deadline passed while the request waited; allow more time or retry later.")


@asynccontextmanager
async def _watched(request: Request, gone: threading.Event) -> AsyncIterator[None]:
    watcher = asyncio.create_task(_on_hang_up(request, gone.set))
    try:
        yield
    except asyncio.CancelledError:
        gone.set()  # the service stops; a thread cannot be stopped, but asked
        raise
    finally:
        watcher.cancel()


async def _on_hang_up(request: Request, tell: Callable[[], None]) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    tell()
