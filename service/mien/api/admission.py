"""Admission: how many requests of a kind upload, wait and run at once."""

import asyncio
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from anyio import CancelScope, CapacityLimiter, Semaphore, current_time, to_thread
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Message

from mien.api.errors import UploadTimeout
from mien.errors import Cancelled, DeadlineExceeded, Overloaded

T = TypeVar("T")

MIN_RATE = 1024
"""Bytes per second: uploads and responses that are slower are ended."""
KEPT_RATE = 16 << 10
"""Bytes per second. An upload that is as fast keeps its place, unless its client has too many."""
_MAX_CREDIT = 2 * KEPT_RATE  # a burst at the start does not allow an upload to stall


class AdmissionGate:
    """Admits at most ``capacity`` requests, of which at most ``threads`` run; the others wait without a thread.

    Another ``capacity`` may be uploading. They are counted apart, so that slow uploads take no place from requests in
    work. The bound on threads keeps the number of decoded pictures in memory small however many requests wait.
    """

    def __init__(self, threads: int, capacity: int) -> None:
        self._threads = Semaphore(threads, fast_acquire=True)
        self._unlimited = CapacityLimiter(math.inf)  # by default anyio has a bound of its own, of 40 threads
        self._capacity = capacity
        self._admitted = 0
        self._uploads: dict[UploadSlot, None] = {}

    @property
    def admitted(self) -> int:
        """Requests running or waiting for a thread."""
        return self._admitted

    @property
    def uploading(self) -> int:
        """Requests whose bodies are being read."""
        return len(self._uploads)

    @contextmanager
    def upload_slot(self, request: Request, idle_seconds: float) -> Iterator["UploadSlot"]:
        """Holds a place while the body of ``request`` is read. If there is none, the slowest upload gives way. An
        upload slower than ``MIN_RATE`` over ``idle_seconds`` is ended.

        Raises:
            Overloaded: when the request would be refused after its upload, or when all places are taken by uploads that
                are fast and whose clients have no more than their share.
        """
        self._refuse_if_full()
        slot = UploadSlot(request, idle_seconds)
        if len(self._uploads) >= self._capacity:
            self._make_room(slot.client)
        self._uploads[slot] = None
        try:
            yield slot
        finally:
            self._uploads.pop(slot, None)

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
            Overloaded: when the gate is full.
            DeadlineExceeded: when the deadline passed before a thread came free.
            ClientDisconnect: when the client disconnected before a thread came free, or the work ended for that.
        """
        self._refuse_if_full()
        # The event loop's clock need not be time.monotonic().
        seconds = math.inf if deadline is None else deadline - time.monotonic()
        waiting = CancelScope(deadline=current_time() + seconds)

        async def watch() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            cancelled.set()
            waiting.cancel()

        self._admitted += 1
        watcher = asyncio.create_task(watch())
        try:
            with waiting:
                await self._threads.acquire()
            if waiting.cancelled_caught:
                if cancelled.is_set():
                    raise ClientDisconnect
                raise DeadlineExceeded("The deadline passed before the request got a thread; allow more time or retry.")
            try:
                return await to_thread.run_sync(work, limiter=self._unlimited)
            except Cancelled:
                raise ClientDisconnect from None
            finally:
                self._threads.release()
        except asyncio.CancelledError:
            cancelled.set()  # the service stops; a thread can only be asked to end
            raise
        finally:
            watcher.cancel()
            self._admitted -= 1

    def _refuse_if_full(self) -> None:
        if self._admitted >= self._capacity:
            raise Overloaded(f"The queue is full ({self._admitted} requests). Retry in 1 s.")

    def _make_room(self, client: str) -> None:
        slowest = min(self._uploads, key=UploadSlot.credit)
        if slowest.credit() >= 0:
            # Behind a proxy all clients have one address, and none has more than a share.
            counts = Counter(slot.client for slot in self._uploads)
            busiest, count = counts.most_common(1)[0]
            if count <= counts[client] + 1:
                raise Overloaded(f"Too many uploads in progress ({len(self._uploads)}). Retry in 1 s.")
            slowest = min((slot for slot in self._uploads if slot.client == busiest), key=UploadSlot.credit)
        del self._uploads[slowest]
        slowest.give_way()


class UploadSlot:
    """The place of one upload, and its pace. Only the time spent waiting for the client counts."""

    def __init__(self, request: Request, idle_seconds: float) -> None:
        self.client = request.client.host if request.client else ""
        self._request = request
        self._idle_seconds = self._seconds_left = idle_seconds
        self._received = 0  # bytes, in this period of idle_seconds
        self._credit = 0.0
        self._counted_at = time.monotonic()
        self._waiting: CancelScope | None = None
        self._revoked = False

    async def receive(self) -> Message:
        """The next part of the body.

        Raises:
            UploadTimeout: when the upload stalls, or its place is needed for another.
            ClientDisconnect: when the client disconnects.
        """
        self.check()
        before = time.monotonic()
        message: Message | None = None
        with CancelScope(deadline=current_time() + self._seconds_left) as self._waiting:
            message = await self._request.receive()
        self._waiting = None
        self.check()
        if message is None:
            raise UploadTimeout(
                f"The upload stalled (under {MIN_RATE >> 10} KiB/s for {self._idle_seconds:g} s). Please retry."
            )
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self._seconds_left -= time.monotonic() - before
        self.count(len(message.get("body", b"")))
        return message

    def count(self, size: int) -> None:
        """Count ``size`` received bytes."""
        self._credit = min(self.credit() + size, _MAX_CREDIT)
        self._received += size
        if self._received >= MIN_RATE * self._idle_seconds:
            self._seconds_left, self._received = self._idle_seconds, 0

    def credit(self) -> float:
        """The bytes received beyond ``KEPT_RATE``, at most those of two seconds; negative for a slow upload."""
        now = time.monotonic()
        self._credit -= KEPT_RATE * (now - self._counted_at)
        self._counted_at = now
        return self._credit

    def give_way(self) -> None:
        """End the upload, at once if it is waiting for its client."""
        self._revoked = True
        if self._waiting is not None:
            self._waiting.cancel()

    def check(self) -> None:
        """Raises ``UploadTimeout`` if the place is needed for another upload."""
        if self._revoked:
            raise UploadTimeout(
                f"The upload was ended to make room for others: it was slower than {KEPT_RATE >> 10} KiB/s, or its "
                "client had too many. Retry faster or with fewer uploads at once."
            )
