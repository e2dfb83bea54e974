"""Memory of large pictures that is used again, and never while anyone looks at it."""

import threading

import numpy as np
import psutil

from mien.images.pixel_memory import PixelMemory

_MIB = 1 << 20
SHAPE = (3000, 4000, 3)


def address(pixels: np.ndarray) -> int:
    return int(pixels.ctypes.data)


def test_the_memory_of_an_array_that_is_gone_is_used_again() -> None:
    memory = PixelMemory(64 * _MIB)
    first = memory.array(SHAPE)
    assert first.shape == SHAPE
    assert first.dtype == np.uint8
    assert first.flags.writeable
    place = address(first)
    del first
    assert address(memory.array((2999, 4000, 3))) == place


def test_a_view_keeps_the_memory() -> None:
    memory = PixelMemory(64 * _MIB)
    pixels = memory.array(SHAPE)
    view = pixels[10:20, 5:].reshape(10, -1)[::2]
    view[:] = 7
    del pixels
    others = [memory.array(SHAPE) for _ in range(3)]
    for other in others:
        other[:] = 1
    assert (view == 7).all()


def test_no_more_is_kept_than_asked_for_and_nothing_after_forgetting() -> None:
    memory, process = PixelMemory(64 * _MIB), psutil.Process()
    arrays = [memory.array(SHAPE) for _ in range(6)]
    for pixels in arrays:
        pixels[:] = 1
    del pixels
    full = process.memory_info().rss
    arrays.clear()
    assert full - process.memory_info().rss > 4 * 34 * _MIB
    memory.forget()
    assert full - process.memory_info().rss > 5.5 * 34 * _MIB


def test_a_small_picture_does_not_take_the_memory_of_a_huge_one() -> None:
    memory = PixelMemory(1 << 30)
    huge = memory.array((9000, 9000, 3))
    place = address(huge)
    del huge
    assert address(memory.array(SHAPE)) != place
    assert address(memory.array((9000, 9000, 3))) == place


def test_threads_never_share_memory() -> None:
    memory, wrong = PixelMemory(128 * _MIB), []

    def work(number: int) -> None:
        for _ in range(30):
            pixels = memory.array((6_000_000, 3))
            pixels[::1000] = number
            if not (pixels[::1000] == number).all():
                wrong.append(number)

    def forget() -> None:
        for _ in range(300):
            memory.forget()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    threads.append(threading.Thread(target=forget))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
