"""Concurrency and memory budget for decoding."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mien.errors import DeadlineExceeded

_CHECK_SECONDS = 0.5  # between two calls of ``raise_if_cancelled``


class MemoryBudget:
    """At most ``concurrency`` decodes at once, of ``memory`` bytes in all; first come, first served. Thread-safe.

    A decode's result counts until its ``Lease`` is released: decoded pictures that wait for a worker fill the memory
    as well. A decode that needs more than all of ``memory`` starts when nothing else is held.
    """

    def __init__(self, concurrency: int, memory: int) -> None:
        self._changed = threading.Condition(threading.RLock())  # a Lease may be collected while its lock is held
        self._free_slots = concurrency
        self._total = self._free_memory = memory
        self._queue: deque[object] = deque()

    @contextmanager
    def take(
        self, memory: int, deadline: float | None, raise_if_cancelled: Callable[[], None] | None = None
    ) -> Iterator["Lease"]:
        """Hold a slot for a decode of ``memory`` bytes; the lease is released at the end unless it was kept.

        Args:
            memory: in bytes.
            deadline: of the wait, as ``time.monotonic()`` counts.
            raise_if_cancelled: called twice per second while waiting; what it raises ends the wait.

        Raises:
            DeadlineExceeded: ``deadline`` passed before a slot and the memory were free.
        """
        lease = Lease(self, self._wait(min(memory, self._total), deadline, raise_if_cancelled))
        try:
            yield lease
        except BaseException:
            lease.release()
            raise
        finally:
            if not lease.kept:
                lease.release()
            with self._changed:
                self._free_slots += 1
                self._changed.notify_all()

    def shrink(self, lease: "Lease", memory: int) -> None:
        """Reduce ``lease`` to at most ``memory`` bytes."""
        with self._changed:
            freed = max(0, lease.held - memory)
            lease.held -= freed
            self._free_memory += freed
            self._changed.notify_all()

    def _wait(self, memory: int, deadline: float | None, raise_if_cancelled: Callable[[], None] | None) -> int:
        max_wait = math.inf if raise_if_cancelled is None else _CHECK_SECONDS
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            try:
                _check(deadline)
                while not (self._queue[0] is ticket and self._free_slots > 0 and self._free_memory >= memory):
                    seconds = max_wait if deadline is None else min(max_wait, deadline - time.monotonic())
                    self._changed.wait(None if seconds == math.inf else seconds)
                    _check(deadline)
                    if raise_if_cancelled is not None:
                        raise_if_cancelled()
                self._free_slots -= 1
                self._free_memory -= memory
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()
        return memory


class Lease:
    """The ``held`` bytes of one decode in its ``MemoryBudget``. Released once; releasing again is harmless."""

    def __init__(self, budget: MemoryBudget, held: int) -> None:
        self._budget = budget
        self.held = held
        self.kept = False

    def keep(self, memory: int) -> None:
        """Keep at most ``memory`` bytes after the decode, for its result."""
        self.kept = True
        self._budget.shrink(self, memory)

    def release(self) -> None:
        """Return all bytes to the budget: the result is no longer needed."""
        self._budget.shrink(self, 0)

    def __del__(self) -> None:
        # The result may be dropped on the way, by an error or a cancelled caller.
        self.release()


def _check(deadline: float | None) -> None:
    if deadline is not None and time.monotonic() >= deadline:
        raise DeadlineExceeded("The deadline passed before the file could be decoded; allow more time.")
