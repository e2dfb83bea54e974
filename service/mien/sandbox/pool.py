"""Decoder processes, made once and used again: one per file that is being decoded."""

import logging
import sys
import threading
from collections.abc import Sequence

from mien.domain import NEVER_CANCELLED, Cancellation
from mien.errors import DecoderUnavailable
from mien.sandbox.process import ForkServer, Worker
from mien.sandbox.session import DEFAULT_LIMITS, Session, TaskLimits

_LOG = logging.getLogger(__name__)
_CHECK_SECONDS = 0.25
_MAX_TASKS = 200  # of one process: what a library leaks is gone with it
_BUSY_PER_IDLE = 4  # one idle process per four at most: each keeps some memory, and a new one takes milliseconds
_MAX_GROWTH = 256 << 20  # bytes that it keeps beyond what it had at first
_STOPPED = "The service is stopping; try again in a moment."
_UNCONFINED = (
    "the decoder processes run without %s, which this system lacks: a decoder that a hostile file takes over could "
    "open files or connections; limits on memory and time, and a process of its own per file, still hold"
)

SUPPORTED = sys.platform == "linux"
"""Whether this system has what the decoder processes need."""


class DecoderPool:
    """At most ``size`` processes with the handlers of ``modules``; they start when the first is needed. Thread-safe.

    A quarter of them stay for the next tasks, with the memory that the last ones left them.
    """

    def __init__(self, modules: Sequence[str], size: int) -> None:
        self._modules = tuple(modules)
        self._size = size
        self._max_idle = max(1, size // _BUSY_PER_IDLE)
        self._changed = threading.Condition()
        self._server: ForkServer | None = None
        self._idle: list[Worker] = []
        self._busy = 0
        self._closed = False

    def start(self) -> None:
        """Begin to import the decoders, without waiting for it."""
        self._current_server()

    def warm_up(self) -> None:
        """Have one process ready. Logs what confinement is missing.

        Raises:
            DecoderUnavailable: it cannot be started.
        """
        worker = self._spawn()
        with self._changed:
            if not self._closed:
                self._idle.append(worker)
                return
        self._kill(worker)

    def close(self) -> None:
        """Kill all processes; tasks that still run fail."""
        with self._changed:
            self._closed = True
            server, self._server = self._server, None
            idle, self._idle = self._idle, []
            self._changed.notify_all()
        for worker in idle:
            worker.close()
        if server is not None:
            server.close()

    def session(
        self, task: str, limits: TaskLimits = DEFAULT_LIMITS, cancellation: Cancellation = NEVER_CANCELLED
    ) -> Session:
        """A process of its own for the handler ``task``, from the session's ``start`` until it is closed.

        Raises:
            DecoderUnavailable: there is no process to be had.
            DeadlineExceeded, Cancelled: before there was one.
        """
        return Session(self._acquire(cancellation), task, limits, cancellation, self)

    def put_back(self, worker: Worker, *, is_fit: bool) -> None:
        """See ``WorkerOwner``."""
        if is_fit and worker.tasks < _MAX_TASKS and worker.size() - worker.first_size <= _MAX_GROWTH:
            with self._changed:
                if not self._closed and len(self._idle) < self._max_idle:
                    self._idle.append(worker)
                    self._leave()
                    return
        self.retire(worker)

    def retire(self, worker: Worker) -> int | None:
        """See ``WorkerOwner``."""
        try:
            return self._kill(worker)
        finally:
            with self._changed:
                self._leave()

    def _acquire(self, cancellation: Cancellation) -> Worker:
        with self._changed:
            while self._busy >= self._size and not self._closed:
                self._changed.wait(_CHECK_SECONDS)
                cancellation.raise_if_cancelled()
            self._busy += 1
        try:
            while (worker := self._pop_idle()) is not None:
                if not worker.is_heard_of():
                    return worker
                self._kill(worker)  # it died while it had nothing to do
            return self._spawn()
        except BaseException:
            with self._changed:
                self._leave()
            raise

    def _pop_idle(self) -> Worker | None:
        with self._changed:
            return self._idle.pop() if self._idle else None

    def _spawn(self) -> Worker:
        server = self._current_server()
        try:
            return server.spawn()
        except DecoderUnavailable:
            # The system may have ended it for want of memory. Its workers died with it.
            self._discard(server)
        return self._current_server().spawn()

    def _current_server(self) -> ForkServer:
        with self._changed:
            if self._closed:
                raise DecoderUnavailable(_STOPPED)
            if self._server is None:
                self._server = ForkServer(self._modules, _warn_of_lacking)
            return self._server

    def _discard(self, server: ForkServer) -> None:
        with self._changed:
            if self._server is server:
                _LOG.warning("the decoder processes' server has ended; another one is started")
                self._server = None
                while self._idle:
                    self._idle.pop().close()
        server.close()

    def _leave(self) -> None:
        self._busy -= 1
        self._changed.notify_all()

    def _kill(self, worker: Worker) -> int | None:
        with self._changed:
            server = self._server
        if server is None:
            worker.close()
            return None
        return server.reap(worker)


def _warn_of_lacking(lacking: Sequence[str]) -> None:
    if lacking:
        _LOG.warning(_UNCONFINED, " and ".join(lacking))
