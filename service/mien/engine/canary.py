"""A frame of the service's own, sent through the real workers, so that readiness speaks of work done, not of threads
that exist.

While callers' faces are classified there is proof enough, and no canary is sent. When one is due it goes before the
frames that wait, and waits itself for as long as it takes: were it to queue behind work, or to give up while every
worker is busy, a service that answers would be taken for one that does not. It costs what a small picture costs.
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
    """Run one canary before all that waits; whether it came back, within ``timeout`` seconds unless that is ``None``.

    A closed batcher answers it at once.
    """
    # With no threshold the best cell in the picture always passes, so that the canary is classified too, face or not.
    options = AnalyzeOptions(detector=detector, min_face=0.0, min_confidence=0.0, max_faces=1)
    job = FrameJob(canary_frame(), options)
    batcher.put_frame(job, first=True)
    try:
        return bool(job.future.result(timeout).faces)
    except (MienError, FutureTimeoutError, CancelledError):
        job.future.cancel()
        return False


class Canary:
    """Sings on a thread of its own whenever no face has been classified for ``interval`` seconds, until stopped.

    ``last_success`` tells when one was, as ``time.monotonic()``, or ``None`` for never. A canary that failed is
    followed by another after ``interval`` seconds.
    """

    def __init__(self, batcher: Batcher, interval: float, last_success: Callable[[], float | None]) -> None:
        self._batcher = batcher
        self._interval = interval
        self._last_success = last_success
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mien-canary", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; harmless when it has ended."""
        self._stop.set()

    def _run(self) -> None:
        pause = self._interval
        while not self._stop.wait(pause):
            pause = self._time_left()
            if pause <= 0:
                run_probe(self._batcher, timeout=None)
                pause = self._interval

    def _time_left(self) -> float:
        """Seconds until no face will have been classified for an interval."""
        last = self._last_success()
        return 0.0 if last is None else last + self._interval - time.monotonic()
