"""Freed memory: kept for the next picture, and given back to the system when there is none."""

import ctypes
import sys
from collections.abc import Callable
from typing import Any

# malloc.h
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_MIB = 1 << 20


def keep_freed() -> None:
    """Have the C library keep what is freed, up to a bound a thread, so that the next picture finds it there.

    As it comes, glibc hands a picture's memory back as soon as the picture is gone and fetches it again for the next,
    zeroed page by page: 2,800 page faults for a picture of 1024 x 768, and a third of its time. Buffers past 16 MiB are
    handed back at once nevertheless, the rest by ``trimmer``.
    """
    mallopt = _glibc("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 16 * _MIB)
        mallopt(_M_TRIM_THRESHOLD, 32 * _MIB)


def trimmer() -> Callable[[], None] | None:
    """What makes the C library give back what is free; ``None`` where it does so by itself or cannot be asked.

    glibc keeps freed memory for later: after some of the largest pictures, a resting process held five times what it
    needed, and a container counts that. It is given back page by page, in a few milliseconds.
    """
    trim = _glibc("malloc_trim")
    if trim is None:
        return None

    def run() -> None:
        trim(ctypes.c_size_t(0))

    return run


def _glibc(name: str) -> Any:
    """A function of the C library; ``None`` where that is another one."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
