import os
import sys
import threading

import pytest

from mien.engine.priority import yield_to_event_loop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a niceness per thread")


def test_only_the_thread_that_computes_yields() -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    found: list[int] = []

    def compute() -> None:
        yield_to_event_loop()
        yield_to_event_loop()  # once more is harmless
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    thread = threading.Thread(target=compute)
    thread.start()
    thread.join()
    assert found[0] > before
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
