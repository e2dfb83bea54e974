"""Freed memory is returned to the system; what lives for good is not searched for garbage."""

import subprocess
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


def test_what_is_alive_at_the_start_is_no_longer_searched_for_garbage() -> None:
    code = (
        "import gc; from mien.memory import settle_garbage; cycle = []; cycle.append(cycle); del cycle; "
        "settle_garbage(); print(gc.get_freeze_count() > 1000, len(gc.get_objects()) < 1000, gc.get_threshold()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "10000"]
