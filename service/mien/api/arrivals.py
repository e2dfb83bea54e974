"""Uploads on their way: a bounded number of places, which slow ones give up when others need them."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from anyio import CancelScope

from mien.api.errors import UploadTimeout
from mien.errors import Overloaded

KEPT_PACE = 16 << 10
"""Bytes a second. An upload that is as fast keeps its place, unless its caller has too many."""
_MOST_CREDIT = 2 * KEPT_PACE  # a burst at the start is no licence to stall


class Arrival:
    """One upload of ``caller``."""

    def __init__(self, caller: str) -> None:
        self.caller = caller
        self._credit = 0.0
        self._counted = time.monotonic()
        self._waiting: CancelScope | None = None
        self._ended = False

    def credit(self) -> float:
        """The bytes that have come beyond ``KEPT_PACE``, at most those of two seconds; less than none of a slow one."""
        now = time.monotonic()
        self._credit -= KEPT_PACE * (now - self._counted)
        self._counted = now
        return self._credit

    def brought(self, size: int) -> None:
        """So many more bytes have come."""
        self._credit = min(self.credit() + size, _MOST_CREDIT)

    def give_way(self) -> None:
        """Have the upload end, at once where it waits for its client."""
        self._ended = True
        if self._waiting is not None:
            self._waiting.cancel()

    @contextmanager
    def waiting(self, scope: CancelScope) -> Iterator[None]:
        """While ``scope`` waits for the client.

        Raises:
            UploadTimeout: when the place is wanted for another upload.
        """
        self.check()
        self._waiting = scope
        try:
            with scope:
                yield
        finally:
            self._waiting = None
        self.check()

    def check(self) -> None:
        """Raises ``UploadTimeout`` where the place is wanted for another upload."""
        if self._ended:
            raise UploadTimeout(
                f"Others need the place of this upload, which came at less than {KEPT_PACE:,} bytes a second or was "
                "one of many from its sender; send it again, faster or with fewer at once."
            )


class Arrivals:
    """The uploads on their way, ``capacity`` of them at most."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._all: dict[Arrival, None] = {}

    def __len__(self) -> int:
        return len(self._all)

    @contextmanager
    def place(self, caller: str) -> Iterator[Arrival]:
        """A place for an upload of ``caller``, which is the client's address. Where there is none, the slowest gives
        way.

        Raises:
            Overloaded: when all places are taken, by uploads that are fast and whose callers have no more than their
                share.
        """
        if len(self._all) >= self._capacity:
            self._make_room(caller)
        arrival = Arrival(caller)
        self._all[arrival] = None
        try:
            yield arrival
        finally:
            self._all.pop(arrival, None)

    def _make_room(self, caller: str) -> None:
        slowest = min(self._all, key=Arrival.credit)
        if slowest.credit() >= 0:
            # Behind a proxy all callers have one address, and none has more than a share.
            uploads = Counter(arrival.caller for arrival in self._all)
            most, count = uploads.most_common(1)[0]
            if count <= uploads[caller] + 1:
                raise Overloaded(f"{len(self._all)} uploads are already on their way; send it again in a second.")
            slowest = min((one for one in self._all if one.caller == most), key=Arrival.credit)
        del self._all[slowest]
        slowest.give_way()
