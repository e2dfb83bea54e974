"""A synthetic frame, sent through the real workers, so that readiness means that pictures are processed.

No canary is sent while callers' faces are classified. One that is due goes to the front of the queue and waits without
a timeout: if it queued behind work, or gave up while all workers are busy, a busy service would be reported as unready.
It costs as much as a small picture.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeoutError

import numpy as np

from mien.domain import AnalyzeOptions, DetectorMode, Frame
from mien.engine.batcher import Batcher, FrameJob
from mien.errors import MienError


def canary_frame() -> Frame:
    """A fixed grey ramp of 320 x 256, ``uint8 [256, 320, 3]``."""
    ramp = np.linspace(0, 255, 320, dtype=np.uint8)
    return Frame(np.ascontiguousarray(np.broadcast_to(ramp[None, :, None], (256, 320, 3))), 320, 256)


def run_probe(batcher: Batcher, timeout: float | None, detector: DetectorMode = DetectorMode.FAST) -> bool:
    """Run one canary ahead of the queue; return whether it succeeded within ``timeout`` seconds (``None``: no timeout).

    Returns at once if the batcher is closed.
    """
    # Without a threshold the best cell always passes, so that the classifier runs too.
    options = AnalyzeOptions(detector=detector, min_face=0.0, min_confidence=0.0, max_faces=1)
    job = FrameJob(canary_frame(), options)
    batcher.put_frame(job, first=True)
    try:
        return bool(job.future.result(timeout).faces)
    except (MienError, FutureTimeoutError, CancelledError):
        job.future.cancel()
        return False


class Canary:
    """A thread that runs a probe whenever no face has been classified for ``interval`` seconds, until stopped.

    ``last_success`` returns when the last face was, as ``time.monotonic()``, or ``None`` for never. A failed probe is
    repeated after ``interval`` seconds.
    """

    def __init__(self, batcher: Batcher, interval: float, last_success: Callable[[], float | None]) -> None:
        self._batcher = batcher
        self._interval = interval
        self._last_success = last_success
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mien-canary", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread. Calling it twice is harmless."""
        self._stop.set()

    def _run(self) -> None:
        pause = self._interval
        while not self._stop.wait(pause):
            last = self._last_success()
            pause = 0.0 if last is None else last + self._interval - time.monotonic()
            if pause <= 0:
                run_probe(self._batcher, timeout=None)
                pause = self._interval
