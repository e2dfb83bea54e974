"""Whose turn it is to decode: a bound on how many do at once, and on the memory that they hold together."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mien.errors import DeadlineExceeded

_LOOK_SECONDS = 0.5  # between two looks whether the caller still waits


class MemoryBudget:
    """At most ``concurrency`` decodes at once, of ``memory`` bytes in all; first come, first served. Thread-safe.

    What a decode leaves behind counts until its ``Lease`` is given back: decoded pictures that wait for a worker fill
    the memory as well. A decode that needs more than all of ``memory`` gets its turn when nothing else is held.
    """

    def __init__(self, concurrency: int, memory: int) -> None:
        self._changed = threading.Condition(threading.RLock())  # a Lease may be collected while its lock is held
        self._turns = concurrency
        self._total = self._memory = memory
        self._queue: deque[object] = deque()

    @contextmanager
    def take(
        self, memory: int, deadline: float | None, raise_if_cancelled: Callable[[], None] | None = None
    ) -> Iterator["Lease"]:
        """Hold a turn for a decode of ``memory`` bytes; its share is given back at the end unless it was kept.

        Args:
            memory: in bytes.
            deadline: of the wait, as ``time.monotonic()`` counts.
            raise_if_cancelled: called twice a second while it waits; what it raises ends the wait.

        Raises:
            DeadlineExceeded: ``deadline`` passed before the turn came.
        """
        share = Lease(self, self._wait(min(memory, self._total), deadline, raise_if_cancelled))
        try:
            yield share
        except BaseException:
            share.give_back()
            raise
        finally:
            if not share.kept:
                share.give_back()
            with self._changed:
                self._turns += 1
                self._changed.notify_all()

    def shrink(self, share: "Lease", memory: int) -> None:
        """Let ``share`` hold at most ``memory`` bytes from now on."""
        with self._changed:
            freed = max(0, share.held - memory)
            share.held -= freed
            self._memory += freed
            self._changed.notify_all()

    def _wait(self, need: int, deadline: float | None, raise_if_cancelled: Callable[[], None] | None) -> int:
        longest = math.inf if raise_if_cancelled is None else _LOOK_SECONDS
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            try:
                _check(deadline)
                while not (self._queue[0] is ticket and self._turns > 0 and self._memory >= need):
                    left = longest if deadline is None else min(longest, deadline - time.monotonic())
                    self._changed.wait(None if left == math.inf else left)
                    _check(deadline)
                    if raise_if_cancelled is not None:
                        raise_if_cancelled()
                self._turns -= 1
                self._memory -= need
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()
        return need


class Lease:
    """What a decode holds of its ``MemoryBudget``: ``held`` bytes, given back once, by whoever comes first."""

    def __init__(self, turns: MemoryBudget, held: int) -> None:
        self._turns = turns
        self.held = held
        self.kept = False

    def keep(self, memory: int) -> None:
        """Let at most ``memory`` bytes of it outlive the turn, for what was decoded."""
        self.kept = True
        self._turns.shrink(self, memory)

    def give_back(self) -> None:
        """What was decoded is no longer needed."""
        self._turns.shrink(self, 0)

    def __del__(self) -> None:
        # What was decoded may be dropped on the way, by an error or a caller that went; nobody else would say so.
        self.give_back()


def _check(deadline: float | None) -> None:
    if deadline is not None and time.monotonic() >= deadline:
        raise DeadlineExceeded("The deadline passed before the file could be decoded; allow more time.")
