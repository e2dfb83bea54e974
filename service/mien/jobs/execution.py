"""One execution of a workflow of DBOS: its steps, and whether it goes on."""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from dbos import DBOS
from dbos import error as dbos_errors

from mien.domain import Cancellation
from mien.errors import Cancelled, InferenceFailed, JobsUnavailable, MienError, StorageFull, WorkerLost
from mien.jobs.clip_work import ClipWork, JobInterrupted
from mien.jobs.tables import Tables

T = TypeVar("T")

_LOGGER = logging.getLogger("mien.jobs")
_INTERNAL = "Something failed inside the service; its log has the job's id. Submit the clip again."
_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0)  # seconds: the store may be away for two minutes
_INFERENCES = 2  # that failed, and are tried again
_CANCEL_POLL_SECONDS = 1.0


class JobFailed(Exception):
    """Ends a job. ``code`` and the message are for the caller."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Execution:
    """Of the workflow ``name``, in one thread; ``job`` is its job's id."""

    def __init__(self, work: ClipWork, tables: Tables, name: str, job: str) -> None:
        self._tables = tables
        self.name = name
        self.job = job
        self.cancellation = Cancellation(is_cancelled=self._is_cancelled)
        self._work = work
        self._next_poll = 0.0

    def step(self, name: str, function: Callable[..., T], *arguments: Any) -> T:
        """Run a step, unless it ended before; a passing error is tried again."""

        def run() -> T:
            failures = 0
            while True:
                try:
                    return function(*arguments)
                except Cancelled:
                    self._raise_if_stopping()
                    raise dbos_errors.DBOSWorkflowCancelledError(f"{self.name} was cancelled") from None
                except (JobsUnavailable, StorageFull, InferenceFailed, WorkerLost) as error:
                    self._raise_if_stopping()
                    failures += 1
                    away = isinstance(error, JobsUnavailable | StorageFull)
                    if failures > (len(_PAUSES) if away else _INFERENCES):
                        raise
                # Not by DBOS, which would sleep though the process stops.
                self._work.metrics.retry(name)
                self._work.stopping.wait(_PAUSES[failures - 1])
                self._raise_if_stopping()

        return DBOS.run_step({"name": name}, run)

    def was_cancelled(self) -> bool:
        """Whether this workflow was. If DBOS has ended the execution, another one may have taken over instead."""
        return self._tables.status(self.name) in (None, "CANCELLED")

    def is_awaited(self) -> bool:
        """Whether the job is still under way."""
        return self._tables.status(self.job) in ("ENQUEUED", "PENDING")

    def failure(self, error: Exception) -> JobFailed:
        """What the caller is told of an error; what is not for the caller is logged."""
        code = getattr(error, "code", None)
        known = isinstance(error, MienError | JobFailed) or type(error).__name__ == "PortableWorkflowError"
        if known and isinstance(code, str) and code not in (MienError.code, InferenceFailed.code):
            _LOGGER.info("job failed", extra={"fields": {"job": self.job, "code": code}})
            return JobFailed(code, str(error))
        _LOGGER.error("job failed unexpectedly", exc_info=error, extra={"fields": {"job": self.job}})
        return JobFailed(MienError.code, _INTERNAL)

    def _is_cancelled(self) -> bool:
        """Asked at every frame; the database is asked once a second."""
        if self._work.stopping.is_set():
            return True
        if time.monotonic() < self._next_poll:
            return False
        self._next_poll = time.monotonic() + _CANCEL_POLL_SECONDS
        try:
            return self.was_cancelled()
        except JobsUnavailable:
            return False  # the database is away, and asked again

    def _raise_if_stopping(self) -> None:
        if self._work.stopping.is_set():
            raise JobInterrupted from None
