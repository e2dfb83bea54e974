"""DBOS and its database: SQLite in a file of this machine, or PostgreSQL."""

import logging
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.errors import JobsUnavailable

_LOGGER = logging.getLogger("mien.jobs")
_APPLICATION = "mien"
_WORKFLOW_VERSION = "1"
"""Of the order of the steps in ``workflow``: a process takes up jobs of its own version only."""
_POLL_SECONDS = 0.2
_CONNECT_SECONDS = 5

Register = Callable[[], Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """``url`` is that of PostgreSQL, or ``None`` for SQLite in ``folder``. ``executor`` names this process: jobs that a
    killed process left are taken up by the next one of its name (``None``: that of the machine)."""

    url: str | None
    folder: Path
    executor: str | None
    jobs_at_once: int


class JobDatabase:
    """DBOS while it runs, of which a process has only one."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._file = settings.folder.expanduser() / "jobs.sqlite"
        self._open = ExitStack()

    @property
    def may_hold_jobs(self) -> bool:
        """Whether there is a database already."""
        return self._settings.url is not None or self._file.is_file()

    @property
    def name(self) -> str:
        """Which kind it is, without passwords."""
        return "sqlite" if self._settings.url is None else "postgresql"

    def launch(self, register: Register) -> Callable[..., Any]:
        """Open the database, create its tables if need be, and take up the jobs that were interrupted.

        Args:
            register: makes the workflows known; its value is returned.

        Raises:
            JobsUnavailable: the database cannot be used; a later attempt may succeed.
        """
        with ExitStack() as stack:
            url = self._settings.url or self._prepare_sqlite(stack)
            # With a handler of its own, DBOS adds none, and its messages go where ours do.
            logger = logging.getLogger("dbos")
            logger.addHandler(logging.NullHandler())
            try:
                workflow = self._launch(url, register, stack)
            except Exception as error:
                _LOGGER.warning("the database of jobs cannot be used", extra={"fields": {"reason": _reason(error)}})
                raise JobsUnavailable("The database of jobs cannot be used; try again in a moment.") from error
            self._open = stack.pop_all()
            return workflow

    def close(self) -> None:
        """Stop taking up jobs and close the database; running steps have to end by themselves."""
        self._open.close()

    def _launch(self, url: str, register: Register, stack: ExitStack) -> Callable[..., Any]:
        # SQLAlchemy takes a third of a second to import, which a service without jobs need not.
        from dbos import DBOS, DBOSPortableJSONSerializer  # noqa: PLC0415

        from mien.jobs.workflow import CLIP_QUEUE, WEBHOOK_QUEUE  # noqa: PLC0415

        stack.callback(DBOS.destroy, destroy_registry=True)
        workflow = register()
        settings = self._settings
        DBOS(
            config={
                "name": _APPLICATION,
                "system_database_url": url,
                "application_version": _WORKFLOW_VERSION,
                # A file belongs to one machine, whatever its name is after a restart.
                "executor_id": settings.executor or ("local" if settings.url is None else os.uname().nodename),
                "serializer": DBOSPortableJSONSerializer(),  # the default, pickle, would run what the database says
                "use_listen_notify": False,
                "log_level": "WARNING",
            }
        )
        DBOS.launch()
        DBOS.register_queue(CLIP_QUEUE, worker_concurrency=settings.jobs_at_once, polling_interval_sec=_POLL_SECONDS)
        DBOS.register_queue(WEBHOOK_QUEUE, worker_concurrency=32, polling_interval_sec=1.0)
        return workflow

    def _prepare_sqlite(self, stack: ExitStack) -> str:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            _lock(self._file.with_suffix(".lock"), stack)
            with closing(sqlite3.connect(self._file)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")  # readers do not wait for writers; kept in the file
        except BlockingIOError as error:
            message = "Another process uses this MIEN_DATA_DIR for its jobs; give each process one of its own."
            raise JobsUnavailable(message) from error
        except (OSError, sqlite3.Error) as error:
            _LOGGER.warning("the database of jobs cannot be opened", extra={"fields": {"reason": _reason(error)}})
            raise JobsUnavailable("The database of jobs cannot be opened; the service's log says why.") from error
        return f"sqlite:///{self._file}"


def _lock(path: Path, stack: ExitStack) -> None:
    """Held until ``stack`` is closed or the process ends. Raises ``BlockingIOError`` if another process has it."""
    file = stack.enter_context(path.open("w"))
    if sys.platform != "win32":
        import fcntl  # noqa: PLC0415 - Windows has none

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _reason(error: BaseException) -> str:
    return str(error).partition("\n")[0]
