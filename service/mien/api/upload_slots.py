"""The places of uploads: which are ended to make room for others."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from anyio import CancelScope, current_time
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Message

from mien.api.callers import caller_of
from mien.api.errors import UploadTimeout

MIN_RATE = 1024
"""Bytes per second: uploads and responses that are slower are ended."""
KEPT_RATE = 16 << 10
"""Bytes per second. An upload that is as fast keeps its place, unless its caller has too many."""
_MAX_CREDIT = 2 * KEPT_RATE  # a burst at the start does not allow an upload to stall


class UploadSlots:
    """At most ``capacity`` uploads at once. They are counted apart from requests in work, so that slow uploads take no
    place from those."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._slots: dict[UploadSlot, None] = {}

    def __len__(self) -> int:
        return len(self._slots)

    def of(self, caller: str) -> int:
        """The uploads of one caller."""
        return sum(slot.caller == caller for slot in self._slots)

    def has_room(self, caller: str) -> bool:
        """Whether an upload of ``caller`` may begin, if need be in the place of another."""
        return len(self._slots) < self._capacity or self._loser(caller) is not None

    @contextmanager
    def hold(self, request: Request, idle_seconds: float) -> Iterator["UploadSlot"]:
        """A place while the body of ``request`` is read; there must be room. If there is no free one, the slowest
        upload gives way. An upload slower than ``MIN_RATE`` over ``idle_seconds`` is ended.
        """
        slot = UploadSlot(request, idle_seconds)
        if len(self._slots) >= self._capacity and (loser := self._loser(slot.caller)) is not None:
            del self._slots[loser]
            loser.give_way()
        self._slots[slot] = None
        try:
            yield slot
        finally:
            self._slots.pop(slot, None)

    def _loser(self, caller: str) -> "UploadSlot | None":
        """The upload that gives way to one of ``caller``: the slowest if it is slow, or else the slowest of the caller
        that has the most, unless ``caller`` would then have as many."""
        slowest = min(self._slots, key=UploadSlot.credit)
        if slowest.credit() < 0:
            return slowest
        counts = Counter(slot.caller for slot in self._slots)
        busiest, count = counts.most_common(1)[0]
        if count <= counts[caller] + 1:
            return None
        return min((slot for slot in self._slots if slot.caller == busiest), key=UploadSlot.credit)


class UploadSlot:
    """The place of one upload, and its pace. Only the time spent waiting for the client counts."""

    def __init__(self, request: Request, idle_seconds: float) -> None:
        self.caller = caller_of(request.scope)
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
                "caller had too many. Retry faster or with fewer uploads at once."
            )
