"""A frame that nobody asked for, sent through the real workers, so that readiness speaks of work done, not of threads
that exist."""

import threading
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeoutError

import numpy as np

from service.domain import AnalyzeOptions, DetectorMode, Frame
from service.engine.batcher import Batcher, FrameJob
from service.errors import MienError

_CELLS = 16


def canary_frame() -> Frame:
    """A fixed grey ramp of 320 x 256, ``uint8 [256, 320, 3]``."""
    ramp = np.linspace(0, 255, 320, dtype=np.uint8)
    return Frame(np.ascontiguousarray(np.broadcast_to(ramp[None, :, None], (256, 320, 3))), 320, 256)


def sing(batcher: Batcher, timeout: float, detector: DetectorMode = DetectorMode.FAST) -> bool:
    """Run one canary; whether it came back within ``timeout`` seconds."""
    # With no threshold the best cells always pass, so that the canary is classified too, faces or not; several of them,
    # since the best one may lie across the border, where no face is reported.
    options = AnalyzeOptions(detector=detector, min_face=0.0, min_confidence=0.0, max_faces=_CELLS)
    job = FrameJob(canary_frame(), options)
    batcher.put_frame(job)
    try:
        return bool(job.future.result(timeout).faces)
    except (MienError, FutureTimeoutError, CancelledError):
        job.future.cancel()
        return False


class Canary:
    """Sings every ``interval`` seconds on a thread of its own, until stopped."""

    def __init__(self, batcher: Batcher, interval: float) -> None:
        self._batcher = batcher
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mien-canary", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; harmless when it has ended."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            sing(self._batcher, timeout=self._interval)
