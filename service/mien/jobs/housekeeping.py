"""What the jobs of a process need done now and then: metrics, results after their time, files that are left."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

from mien.errors import MienError
from mien.jobs.clip_work import ClipWork

if TYPE_CHECKING:
    from mien.jobs.database import OpenDatabase

_LOGGER = logging.getLogger("mien.jobs")
_TICK_SECONDS = 5.0
_SWEEP_SECONDS = 60.0
_KEEP_SECONDS = 60.0
"""For which a copy of a clip waits for another segment of it."""


class Housekeeping:
    """In a thread of its own, until the process stops.

    Args:
        opened: opens the database if there is one, and gives it; ``None``: there is none yet.
        work: of the jobs of this process.
        retention: how long jobs that ended are kept.
    """

    def __init__(self, opened: Callable[[], "OpenDatabase | None"], work: ClipWork, retention: timedelta) -> None:
        self._opened = opened
        self._work = work
        self._retention = retention
        self._next_sweep = 0.0
        self._thread = threading.Thread(target=self._run, name="mien-jobs", daemon=True)

    def start(self) -> None:
        """Open the database if there is one, and go on in the background."""
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                self._work.local.remove_idle(unused_for=_KEEP_SECONDS)
                database = self._opened()
                if database is not None:
                    self._look_after(database)
            except MienError as error:
                self._work.metrics.up(False)
                _LOGGER.warning("jobs are unavailable", extra={"fields": {"reason": str(error)}})
            except Exception:
                # The thread must not end; the next pass may succeed.
                self._work.metrics.up(False)
                _LOGGER.exception("housekeeping of jobs failed")
            if self._work.stopping.wait(_TICK_SECONDS):
                return

    def _look_after(self, database: "OpenDatabase") -> None:
        from mien.jobs.queue_state import queue_state  # noqa: PLC0415 - see JobDatabase
        from mien.jobs.records import JobRecords  # noqa: PLC0415
        from mien.jobs.retention import sweep  # noqa: PLC0415

        state = queue_state(database.tables)
        self._work.metrics.counted(state.counts, state.waits)
        self._work.metrics.up(True)
        is_first = database.executors is None or database.executors.is_first
        if monotonic() < self._next_sweep or not is_first:
            return
        self._next_sweep = monotonic() + _SWEEP_SECONDS
        records = JobRecords(database.workflows.analyze, database.tables)
        if removed := sweep(records, self._work.store, self._retention):
            _LOGGER.info("removed jobs after their time", extra={"fields": {"jobs": removed}})
