"""Memory for the pixels of large pictures, used again for the next ones."""

import math
import mmap
import threading
import weakref

import numpy as np

from mien.domain import U8Array

_LARGE = 16 << 20  # bytes; the C library keeps smaller pieces by itself, see ``mien.memory.keep_freed``
_PAGE = 2 << 20  # bytes of a huge page


class PixelMemory:
    """Hands out arrays, and keeps the memory of those that are gone, up to ``kept`` bytes. Thread-safe.

    What the system gives must be zeroed, page by page: of a 12-megapixel photograph that is a fifth of its answer's
    time.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._free: list[mmap.mmap] = []  # the last returned last
        self._lock = threading.RLock()  # an array may be collected while its lock is held

    def array(self, shape: tuple[int, ...]) -> U8Array:
        """An array whose values are arbitrary, ``uint8`` of that shape."""
        size = math.prod(shape)
        if size < _LARGE:
            return np.empty(shape, dtype=np.uint8)
        block = self._take(size) or _new_block(size)
        whole = np.frombuffer(block, dtype=np.uint8)
        # Views of it, however they were made, keep it alive: the memory comes back when the last of them is gone.
        weakref.finalize(whole, self._give_back, block).atexit = False
        return whole[:size].reshape(shape)

    def forget(self) -> None:
        """Return the memory that is kept to the system."""
        with self._lock:
            self._free.clear()

    def _take(self, size: int) -> mmap.mmap | None:
        """A kept block of at least ``size`` bytes, but not far more."""
        with self._lock:
            fitting = [block for block in tuple(self._free) if size <= len(block) <= 2 * size]
            found = min(fitting, key=len, default=None)
            if found is not None:
                self._free.remove(found)
            return found

    def _give_back(self, block: mmap.mmap) -> None:
        with self._lock:
            self._free.append(block)
            while sum(map(len, tuple(self._free))) > self._kept:
                del self._free[0]


def _new_block(size: int) -> mmap.mmap:
    block = mmap.mmap(-1, -(-size // _PAGE) * _PAGE)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        block.madvise(mmap.MADV_HUGEPAGE)
    return block
