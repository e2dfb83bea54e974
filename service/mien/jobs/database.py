"""DBOS and its database: SQLite in a file of this machine, or PostgreSQL."""

import errno
import logging
import os
import sqlite3
import sys
import uuid
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import JobsImpossible, JobsUnavailable
from mien.jobs.queues import CLIP_QUEUE, SEGMENT_QUEUE, WEBHOOK_QUEUE

if TYPE_CHECKING:
    from mien.jobs.executors import Executors
    from mien.jobs.tables import Tables
    from mien.jobs.workflow import Workflows

_LOGGER = logging.getLogger("mien.jobs")
_APPLICATION = "mien"
_WORKFLOW_VERSION = "1"
"""Of the order of the steps in ``workflow``: a process takes up jobs of its own version only."""
_POLL_SECONDS, _SHARED_POLL_SECONDS = 0.1, 0.2
"""Between two looks at a queue, each a few queries."""
_CLIPS_AT_ONCE = 256
"""Jobs under way in one process: most of them wait for their segments, each in a thread."""
_CLIPS_OF_CLIENT = 16
"""Among them, those of one client."""
_IDLE_TRANSACTION_SECONDS = 15.0
_NEVER_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST)
_INTERRUPT_SECONDS = 5
"""For steps to notice that the process stops."""


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """``url`` is that of PostgreSQL, or ``None`` for SQLite in ``folder``. ``executor`` names this process: it takes up
    at once what an earlier one of this name left (``None``: a new name, and others take it up in a while). ``workers``
    is the number of segments that this process analyses at a time (0: it leaves all work to others)."""

    url: str | None
    folder: Path
    executor: str | None
    workers: int


@dataclass(frozen=True, slots=True)
class OpenDatabase:
    """What an open database gives. ``executors`` are the processes that share it (``None``: it is not shared)."""

    workflows: "Workflows"
    tables: "Tables"
    executors: "Executors | None"


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

    def launch(self, register: Callable[["Tables"], "Workflows"], lost: Callable[[], object]) -> OpenDatabase:
        """Open the database, create its tables if need be, and take up the jobs that were interrupted.

        Args:
            register: makes the workflows known.
            lost: called if another process starts under the name of this one.

        Raises:
            JobsUnavailable: the database cannot be used; a later attempt may succeed.
        """
        with ExitStack() as stack:
            url = self._settings.url or self._prepare_sqlite(stack)
            # With a handler of its own, DBOS adds none, and its messages go where ours do.
            logger = logging.getLogger("dbos")
            logger.addHandler(logging.NullHandler())
            try:
                opened = self._launch(url, register, lost, stack)
            except Exception as error:
                _LOGGER.warning("the database of jobs cannot be used", extra={"fields": {"reason": _reason(error)}})
                raise JobsUnavailable("The database of jobs cannot be used; try again in a moment.") from error
            self._open = stack.pop_all()
            return opened

    def close(self) -> None:
        """Stop taking up jobs and close the database; running steps have to end by themselves."""
        self._open.close()

    def _launch(
        self, url: str, register: Callable[["Tables"], "Workflows"], lost: Callable[[], object], stack: ExitStack
    ) -> OpenDatabase:
        # SQLAlchemy takes a third of a second to import, which a service without jobs need not.
        from dbos import DBOS, DBOSPortableJSONSerializer  # noqa: PLC0415

        from mien.jobs.executors import Executors, Watch  # noqa: PLC0415
        from mien.jobs.tables import CONNECTION, open_tables  # noqa: PLC0415

        settings = self._settings
        is_shared = settings.url is not None
        tables = open_tables(url)
        stack.callback(tables.engine.dispose)
        # A file belongs to one machine, whatever its name is after a restart.
        name = settings.executor or (f"{os.uname().nodename}-{uuid.uuid4().hex[:8]}" if is_shared else "local")
        executors = Executors(tables, name, _WORKFLOW_VERSION) if is_shared else None
        if executors is not None:
            stack.callback(executors.leave)
        stack.callback(DBOS.destroy, destroy_registry=True, workflow_completion_timeout_sec=_INTERRUPT_SECONDS)
        workflows = register(tables)
        DBOS(
            config={
                "name": _APPLICATION,
                "system_database_url": url,
                "application_version": _WORKFLOW_VERSION,
                "executor_id": name,
                "serializer": DBOSPortableJSONSerializer(),  # the default, pickle, would run what the database says
                "use_listen_notify": False,
                # What it looks for is not used here, so a round costs no query; the process waits for one at its end.
                "notification_listener_polling_interval_sec": 0.25,
                "log_level": "WARNING",
                "sys_db_idle_transaction_timeout_sec": _IDLE_TRANSACTION_SECONDS,
                "db_engine_kwargs": {"connect_args": dict(CONNECTION)} if is_shared else {},
            }
        )
        DBOS.listen_queues([WEBHOOK_QUEUE, *((CLIP_QUEUE, SEGMENT_QUEUE) if settings.workers else ())])
        DBOS.launch()
        DBOS.register_queue(WEBHOOK_QUEUE, worker_concurrency=32, polling_interval_sec=1.0)
        if settings.workers:
            poll = _SHARED_POLL_SECONDS if is_shared else _POLL_SECONDS
            DBOS.register_queue(
                CLIP_QUEUE,
                worker_concurrency=_CLIPS_AT_ONCE,
                partition_worker_concurrency=_CLIPS_OF_CLIENT,
                polling_interval_sec=poll,
            )
            DBOS.register_queue(SEGMENT_QUEUE, worker_concurrency=settings.workers, polling_interval_sec=poll)
        if executors is not None:
            # DBOS calls this internal; its own recovery of processes that are gone is a paid service, and calls it too.
            watch = Watch(executors, lambda dead: DBOS._recover_pending_workflows([dead]), lost)
            watch.start()
            stack.callback(watch.stop)
        return OpenDatabase(workflows, tables, executors)

    def _prepare_sqlite(self, stack: ExitStack) -> str:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            _lock(self._file.with_suffix(".lock"), stack)
            with closing(sqlite3.connect(self._file)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")  # readers do not wait for writers; kept in the file
        except BlockingIOError as error:
            message = "Another process uses this MIEN_DATA_DIR for its jobs; give each process one of its own."
            raise JobsImpossible(message) from error
        except (OSError, sqlite3.Error) as error:
            _LOGGER.warning("the database of jobs cannot be opened", extra={"fields": {"reason": _reason(error)}})
            if isinstance(error, OSError) and error.errno in _NEVER_WRITABLE:
                message = "This service keeps no jobs: nothing can be written in its MIEN_DATA_DIR."
                raise JobsImpossible(message) from error
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
