"""Admission: how many requests of a kind upload, wait and run at once, and who comes next."""

import asyncio
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from anyio import CancelScope, CapacityLimiter, current_time, to_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from mien.api.callers import caller_of, cost_of
from mien.api.drain import Drain
from mien.api.turns import FairThreads
from mien.api.upload_slots import UploadSlot, UploadSlots
from mien.engine.priority import yield_to_event_loop
from mien.errors import Cancelled, DeadlineExceeded, Overloaded

T = TypeVar("T")

_MAX_RETRY_SECONDS = 300.0


def _computing(work: Callable[[], T]) -> T:
    yield_to_event_loop()
    return work()


class AdmissionGate:
    """Admits requests as long as fewer than ``capacity`` run or wait; few of them run, the others wait without a
    thread.

    A request is refused by its head or not at all: one that may upload is not refused after its upload. So up to twice
    as many may wait for a moment, because as many again may be uploading. The bound on threads keeps the number of
    decoded pictures in memory small however many requests wait.

    Callers (see ``caller_of``) share it fairly: threads are given to them in turns, and one with less than its share of
    the places is admitted although others have filled the queue.

    Args:
        threads: requests of one caller that run at once; one more is kept for others.
        capacity: requests that run or wait, and as many uploads.
        max_wait: in seconds; while those in the queue will take longer, as far as is known, no request is admitted.
    """

    def __init__(self, threads: int, capacity: int, max_wait: float = math.inf) -> None:
        self._threads = FairThreads(threads)
        self._unlimited = CapacityLimiter(math.inf)  # by default anyio has a bound of its own, of 40 threads
        self._capacity = capacity
        self._max_wait = max_wait
        self._admitted: Counter[str] = Counter()
        self._backlog = 0.0
        self._drain = Drain()
        self._uploads = UploadSlots(capacity)

    @property
    def admitted(self) -> int:
        """Requests running or waiting for a thread."""
        return self._admitted.total()

    @property
    def uploading(self) -> int:
        """Requests whose bodies are being read."""
        return len(self._uploads)

    def check(self, caller: str) -> None:
        """Decide about a request of ``caller`` from its head.

        Raises:
            Overloaded: when the queue is full and ``caller`` has its share of it, when it would wait too long, or when
                all places are taken by uploads that are fast and whose callers have no more than their share.
        """
        wait = self._drain.seconds_for(self._backlog)
        if self.admitted >= self._capacity and not self._has_less_than_its_share(caller):
            raise self._overloaded(f"The queue is full ({self.admitted} requests).", wait)
        if self._backlog and wait > self._max_wait and self._threads.saturated:
            raise self._overloaded(f"The queue is too long ({wait:.0f} s of work).", wait - self._max_wait)
        if not self._uploads.has_room(caller):
            raise self._overloaded(f"Too many uploads in progress ({self.uploading}).", wait)

    @contextmanager
    def upload_slot(self, request: Request, idle_seconds: float) -> Iterator[UploadSlot]:
        """Holds a place while the body of ``request`` is read; see ``UploadSlots.hold``.

        Raises:
            Overloaded: see ``check``.
        """
        self.check(caller_of(request.scope))
        with self._uploads.hold(request, idle_seconds) as slot:
            yield slot

    async def run(
        self, request: Request, work: Callable[[], T], deadline: float | None, cancelled: threading.Event
    ) -> T:
        """``work()`` in a worker thread. A request whose client disconnects while it waits never starts.

        Args:
            request: whose client is watched.
            work: may end itself with ``Cancelled`` once ``cancelled`` is set.
            deadline: of the wait for a thread, as ``time.monotonic()`` counts; ``work`` watches its own.
            cancelled: set when the client disconnects or the service stops.

        Raises:
            DeadlineExceeded: when the deadline passed before a thread came free.
            ClientDisconnect: when the client disconnected before a thread came free, or the work ended for that.
        """
        # The event loop's clock need not be time.monotonic().
        seconds = math.inf if deadline is None else deadline - time.monotonic()
        waiting = CancelScope(deadline=current_time() + seconds)

        async def watch() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            cancelled.set()
            waiting.cancel()

        caller = caller_of(request.scope)
        with self._place(caller, cost_of(request.scope)) as place:
            watcher = asyncio.create_task(watch())
            try:
                with waiting:
                    await self._threads.acquire(caller)
                if waiting.cancelled_caught:
                    if cancelled.is_set():
                        raise ClientDisconnect
                    raise DeadlineExceeded(
                        "The deadline passed before the request got a thread; allow more time or retry."
                    )
                try:
                    return await to_thread.run_sync(_computing, work, limiter=self._unlimited)
                except Cancelled:
                    raise ClientDisconnect from None
                finally:
                    self._finished(place)
                    self._threads.release(caller)
            except asyncio.CancelledError:
                cancelled.set()  # the service stops; a thread can only be asked to end
                raise
            finally:
                watcher.cancel()

    @contextmanager
    def _place(self, caller: str, cost: float) -> Iterator[float]:
        """A place in the queue for work of that cost."""
        self._tell_time()
        self._admitted[caller] += 1
        self._backlog += cost
        try:
            yield cost
        finally:
            self._backlog -= cost
            self._admitted[caller] -= 1
            if not self._admitted[caller]:
                del self._admitted[caller]

    def _tell_time(self) -> None:
        self._drain.passed(time.monotonic(), saturated=self._threads.saturated)

    def _finished(self, cost: float) -> None:
        self._tell_time()
        if self._threads.saturated:
            self._drain.finished(cost)

    def _has_less_than_its_share(self, caller: str) -> bool:
        callers = len(self._admitted.keys() | {caller})
        share = self._capacity // callers
        return self._admitted[caller] < share and self.admitted < 2 * self._capacity

    @staticmethod
    def _overloaded(what: str, seconds: float) -> Overloaded:
        seconds = math.ceil(min(max(seconds, 1.0), _MAX_RETRY_SECONDS))
        return Overloaded(f"{what} Retry in {seconds} s.", seconds)
