"""Freed memory, kept for the next picture and returned when idle; and what Python would keep for good."""

import ctypes
import gc
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

# malloc.h
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -2, -3, -8
_MIB = 1 << 20
_YOUNG_OBJECTS = 10_000
_KEPT_BLOCK = 16 * _MIB  # larger ones are returned at once
_RETURNED_BLOCK = _MIB // 4
_KEPT_PER_ARENA = 64 * _MIB  # with 8 MiB, pictures of 1024 x 768 faulted in again


def keep_freed(arenas: int) -> None:
    """Have the C library keep freed memory, up to a bound, for the next picture.

    By default, glibc returns a picture's memory to the system at once and requests it again for the next, zeroed page
    by page: 2,800 page faults for a picture of 1024 x 768, and a third of its time. Buffers over 16 MiB are still
    returned at once, the rest by ``trimmer``.

    Call it before the first other thread allocates anything: each gets an arena of its own until this bounds them, and
    those that exist stay in use.

    Args:
        arenas: how many heaps all threads share. glibc's default is eight per core, each of which spreads until it has
            room for the largest pictures of every thread, and ``malloc_trim`` shortens only the first. Fewer than there
            are busy threads make them wait for each other: one for two workers took 4 to 8 % longer.
    """
    mallopt = _glibc("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _KEPT_BLOCK)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_PER_ARENA)
        # An arena other than the first is a chain of heaps, the last of which is returned as soon as it is empty and
        # the one before has this much room (heap_trim in glibc's malloc/arena.c). With the default of 128 KiB, a block
        # that did not fit there got a heap of its own each time, and faulted in each time.
        mallopt(_M_TOP_PAD, _KEPT_BLOCK)
        mallopt(_M_ARENA_MAX, arenas)


@contextmanager
def large_blocks_returned() -> Iterator[None]:
    """Suspends ``keep_freed`` for blocks that are allocated in the context, in every thread of the process.

    A growing table leaves blocks of all its sizes behind: the index of a clip of three hours took 28 MiB instead of 12.
    """
    mallopt = _glibc("mallopt")
    if mallopt is None:
        yield
        return
    mallopt(_M_MMAP_THRESHOLD, _RETURNED_BLOCK)
    try:
        yield
    finally:
        mallopt(_M_MMAP_THRESHOLD, _KEPT_BLOCK)


def drop_pillow_warnings() -> None:
    """Have Pillow's warnings neither shown nor kept: one for each broken tag of a picture, of which Python keeps every
    distinct one for good.

    Call it before there are other threads. FastAPI changes the filters for a moment, also when it describes the API
    while the engine is opened, and then restores those that it found; what another thread has added meanwhile is lost.
    """
    warnings.filterwarnings("ignore", module="PIL")


def settle_garbage() -> None:
    """Have Python look for garbage cycles less often, and never among what is alive now: call it once, after the start.

    The modules and models are some hundred thousand objects. Searching them took a twentieth of a small picture's time,
    and now and then one request waited for all of it. Hardly anything that a request makes is cyclic.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 50)


def trimmer() -> Callable[[], None] | None:
    """A function that makes the C library return free memory to the system; ``None`` without glibc.

    After some of the largest pictures, an idle process held five times the memory that it needed, which counts against
    a container's limit. Returning it takes a few milliseconds.
    """
    trim = _glibc("malloc_trim")
    return None if trim is None else partial(trim, ctypes.c_size_t(0))


def _glibc(name: str) -> Any:
    """A function of the C library; ``None`` if it has none of that name."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
