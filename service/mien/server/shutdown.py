"""The bound on the time that stopping takes: threads inside native code cannot be ended, but the process can."""

import logging
import os
import threading
import time
from queue import SimpleQueue

_LOG = logging.getLogger("mien")
_FORCED = 1
"""The exit code of a process that was ended before all of its work was."""


class ShutdownBound:
    """Ends the process ``seconds`` after ``start()``, whatever still runs in it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._started: SimpleQueue[float] = SimpleQueue()
        # Made now, as ``start`` runs in a signal handler, which may interrupt code that holds a lock of ``threading``.
        threading.Thread(target=self._watch, name="mien-shutdown", daemon=True).start()

    @property
    def graceful_seconds(self) -> float:
        """For requests in flight; the rest is for closing what they used."""
        return self._seconds - min(2.0, self._seconds / 4)

    def start(self) -> None:
        """The process begins to stop. Only the first call counts. Safe in a signal handler."""
        self._started.put(time.monotonic())

    def _watch(self) -> None:
        end = self._started.get() + self._seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(left)
        running = [thread.name for thread in threading.enumerate() if thread is not threading.current_thread()]
        _LOG.critical(
            "the shutdown took too long; the process ends with work unfinished",
            extra={"fields": {"seconds": self._seconds, "threads": ", ".join(sorted(running))[:500]}},
        )
        os._exit(_FORCED)
