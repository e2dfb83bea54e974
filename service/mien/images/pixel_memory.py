"""Memory for the pixels of large pictures, used again for the next ones."""

import math
import mmap
import threading
import weakref
from collections import deque

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
        self._free: deque[mmap.mmap] = deque()  # the last returned first
        self._lock = threading.Lock()

    def array(self, shape: tuple[int, ...]) -> U8Array:
        """An array whose values are arbitrary, ``uint8`` of that shape."""
        size = math.prod(shape)
        if size < _LARGE:
            return np.empty(shape, dtype=np.uint8)
        block = self._take(size) or _new_block(size)
        whole = np.frombuffer(block, dtype=np.uint8)
        # Views of it, however they were made, keep it alive: the memory comes back when the last of them is gone.
        weakref.finalize(whole, self._free.appendleft, block).atexit = False
        return whole[:size].reshape(shape)

    def forget(self) -> None:
        """Return the memory that is kept to the system."""
        self._free.clear()

    def _take(self, size: int) -> mmap.mmap | None:
        """A kept block of at least ``size`` bytes, but not far more; too many are forgotten."""
        with self._lock:  # of takers; blocks may return at any moment, in any thread
            blocks = [self._free.popleft() for _ in range(len(self._free))]
            fitting = [block for block in blocks if size <= len(block) <= 2 * size]
            found = min(fitting, key=len, default=None)
            left = self._kept
            for block in blocks:
                left -= 0 if block is found else len(block)
                if block is not found and left >= 0:
                    self._free.append(block)
            return found


def _new_block(size: int) -> mmap.mmap:
    block = mmap.mmap(-1, -(-size // _PAGE) * _PAGE)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        block.madvise(mmap.MADV_HUGEPAGE)
    return block
