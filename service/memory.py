"""Freed memory, given back to the system."""

import ctypes
import sys
from collections.abc import Callable


def trimmer() -> Callable[[], None] | None:
    """What makes the C library give back what is free; ``None`` where it does so by itself or cannot be asked.

    glibc keeps freed memory for later: after some of the largest pictures, a resting process held five times what it
    needed, and a container counts that. It is given back page by page, in a few milliseconds.
    """
    if sys.platform != "linux":
        return None
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:
        return None

    def run() -> None:
        trim(ctypes.c_size_t(0))

    return run
