"""Whose turn it is to decode: a bound on how many do at once, and on how many pixels they hold together."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from service.errors import DeadlineExceeded


class DecodeTurns:
    """At most ``concurrency`` decodes at once, of ``pixels`` in all; first come, first served. Thread-safe.

    One picture at the bound of size is decoded alone: two would double the memory that a container needs. A picture
    larger than all of ``pixels`` gets its turn alone too.
    """

    def __init__(self, concurrency: int, pixels: int) -> None:
        self._free = threading.Condition()
        self._turns = concurrency
        self._budget = self._pixels = pixels
        self._queue: deque[object] = deque()

    @contextmanager
    def take(self, pixels: int, deadline: float | None) -> Iterator[None]:
        """Hold a turn for a picture of ``pixels``.

        Raises:
            DeadlineExceeded: ``deadline``, a ``time.monotonic()`` instant, passed before it came.
        """
        need = min(pixels, self._budget)
        self._wait(need, deadline)
        try:
            yield
        finally:
            with self._free:
                self._turns += 1
                self._pixels += need
                self._free.notify_all()

    def _wait(self, need: int, deadline: float | None) -> None:
        ticket = object()
        with self._free:
            self._queue.append(ticket)
            try:
                _check(deadline)
                while not (self._queue[0] is ticket and self._turns > 0 and self._pixels >= need):
                    self._free.wait(None if deadline is None else deadline - time.monotonic())
                    _check(deadline)
                self._turns -= 1
                self._pixels -= need
            finally:
                self._queue.remove(ticket)
                self._free.notify_all()


def _check(deadline: float | None) -> None:
    if deadline is not None and time.monotonic() >= deadline:
        raise DeadlineExceeded("the deadline passed before the picture could be decoded; allow more time")
