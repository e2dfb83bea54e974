"""Freed memory is returned to the system."""

import sys

import psutil
import pytest

from mien.memory import trimmer

_MIB = 1 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="other systems return it by themselves")
def test_a_heap_with_holes_shrinks() -> None:
    trim = trimmer()
    if trim is None:
        pytest.skip("the C library is not glibc")
    rss = psutil.Process().memory_info
    pieces = [bytes(50_000) for _ in range(4000)]
    full = rss().rss
    kept = pieces[::100]
    del pieces
    trim()
    assert full - rss().rss > 150 * _MIB
    assert len(kept) == 40
