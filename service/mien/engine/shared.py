"""What the workers of a pool share."""

import threading
import time
from collections.abc import Callable

from mien.vision.pipeline import Pipeline


class PipelineSource:
    """The pipeline that all workers use now. ``version`` counts how often it was loaded again. Thread-safe."""

    def __init__(self, pipeline: Pipeline, load: Callable[[], Pipeline]) -> None:
        self.current = pipeline
        self.version = 0
        self._load = load
        self._lock = threading.Lock()

    def renew(self, version: int) -> None:
        """Load the pipeline again, unless that has happened since it had ``version``.

        Raises:
            ModelError: when the store cannot be used any more.
        """
        with self._lock:
            if self.version == version:
                self.current = self._load()
                self.version += 1


class Progress:
    """``last_frame`` is the ``time.monotonic()`` of the last finished frame, ``last_success`` of the last one with
    classified faces."""

    def __init__(self) -> None:
        self.last_frame: float | None = None
        self.last_success: float | None = None

    def finished(self, faces: int) -> None:
        """A frame with so many faces has been finished."""
        self.last_frame = time.monotonic()
        if faces:
            self.last_success = self.last_frame
