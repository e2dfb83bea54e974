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


@pytest.mark.skipif(sys.platform != "linux", reason="other systems return it by themselves")
def test_blocks_of_a_growing_table_go_back_to_the_system_and_others_are_kept() -> None:
    if trimmer() is None:
        pytest.skip("the C library is not glibc")
    code = """
import psutil
from mien.memory import keep_freed, large_blocks_returned

def left_behind():
    before = psutil.Process().memory_info().rss
    blocks = [bytearray(1 << 20) for _ in range(20)]
    for block in blocks:
        block[::4096] = bytes(range(256))
    del block, blocks
    return (psutil.Process().memory_info().rss - before) >> 20

keep_freed(1)
with large_blocks_returned():
    inside = left_behind()
print(inside < 5, left_behind() > 15)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]


@pytest.mark.skipif(sys.platform != "linux", reason="the heaps of glibc")
@pytest.mark.parametrize("kept", range(40, 64, 4))
def test_a_picture_is_not_faulted_in_again_wherever_the_heap_ends(kept: int) -> None:
    if trimmer() is None:
        pytest.skip("the C library is not glibc")
    code = f"""
import resource
from threading import Thread
from mien.memory import keep_freed

def allocate():
    block = bytearray(12 << 20)
    block[::4096] = bytes(12 << 8)

def work():
    kept = [bytearray(1 << 20) for _ in range({kept})]
    for _ in range(3):
        allocate()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        allocate()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

keep_freed(2)
thread = Thread(target=work)
thread.start()
thread.join()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100  # 30,000 where each block got a heap of its own
