"""One task in one decoder process, from the service's side."""

import logging
import math
import select
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mien.domain import Cancellation
from mien.errors import DecoderFailed, DecoderUnavailable, MienError
from mien.sandbox.channel import Broken, ChannelClosed
from mien.sandbox.messages import Done, Failed, Note, Start, error_of
from mien.sandbox.process import Worker
from mien.sandbox.shared_memory import SharedMemory

_LOG = logging.getLogger(__name__)
_CHECK_SECONDS = 0.1  # between two calls of ``raise_if_cancelled``
_MIB = 1 << 20
_OUT_OF_MEMORY = "The machine ran out of memory while the file was decoded; try again later."
_STOPPING = "The decoder processes were stopped; try again in a moment."


@dataclass(frozen=True, slots=True)
class TaskLimits:
    """What one task may take: bytes of memory before it has asked for more, seconds of all its threads together, and
    seconds without a sign of progress."""

    memory: int = 512 * _MIB
    cpu_seconds: float = 3600.0
    stall_seconds: float = 60.0


DEFAULT_LIMITS = TaskLimits()


class TaskEnded(Exception):
    """The worker's process has ended, or has to: ``hung`` because it no longer advanced."""

    def __init__(self, *, hung: bool = False) -> None:
        super().__init__()
        self.hung = hung


class WorkerOwner(Protocol):
    """Where a session's process comes from."""

    def put_back(self, worker: Worker, *, is_fit: bool) -> None:
        """It is no longer needed; ``is_fit`` for another task."""

    def retire(self, worker: Worker) -> int | None:
        """Kill it; returns its exit code, ``None`` if that is unknown."""


class Session:
    """Sends notes to the worker's handler and receives its notes, until it is closed. Not thread-safe.

    ``send`` and ``receive`` raise:
        DecoderFailed: the process crashed, hung, or allocated too much.
        DecoderUnavailable: its memory was taken by the system, or the service is stopping.
        DeadlineExceeded, Cancelled: as ``cancellation`` has it.
        And what the handler raised.
    """

    def __init__(
        self,
        worker: Worker,
        task: str,
        limits: TaskLimits,
        cancellation: Cancellation,
        owner: WorkerOwner,
    ) -> None:
        self._worker: Worker | None = worker
        self._task = task
        self._is_over = False
        self._limits = limits
        self._cancellation = cancellation
        self._owner = owner

    def start(self, body: bytes = b"", descriptors: Sequence[int] = ()) -> None:
        """Hand the task over."""
        worker = self._running()
        worker.tasks += 1
        worker.limit_memory(self._limits.memory)
        worker.limit_cpu(self._limits.cpu_seconds)
        self._send(Start(self._task, body), descriptors)

    @property
    def is_running(self) -> bool:
        """Whether there is anything to wait for."""
        return self._worker is not None and not self._is_over

    @property
    def scratch(self) -> SharedMemory:
        """Memory that the process's tasks share with us, one after the other."""
        return self._running().scratch

    def limit_memory(self, more: int) -> None:
        """Let the process allocate ``more`` bytes than it has now."""
        self._running().limit_memory(more)

    def send(self, body: bytes, descriptors: Sequence[int] = ()) -> None:
        """A note to the handler."""
        self._send(Note(body), descriptors)

    def receive(self, seconds: float = math.inf) -> Note | Done:
        """The handler's next note, or its result; ``seconds`` without a sign of progress count as a hang."""
        try:
            return self._receive(self._running(), seconds)
        except TaskEnded as ended:
            raise self._fail(ended) from None

    def give_up(self, reason: str) -> MienError:
        """Kill the process, which sends nonsense; returns the error to raise."""
        _LOG.error("a decoder process sent nonsense: %s", reason)
        return self._fail(TaskEnded())

    def close(self) -> None:
        """Give the process back, or kill it if the task is not over. Closing twice is harmless."""
        if self._worker is not None:
            worker, self._worker = self._worker, None
            self._owner.put_back(worker, is_fit=self._is_over)

    def _running(self) -> Worker:
        if self._worker is None:
            raise DecoderUnavailable(_STOPPING)
        return self._worker

    def _fail(self, ended: TaskEnded) -> MienError:
        if self._worker is None:
            return DecoderUnavailable(_STOPPING)
        worker, self._worker = self._worker, None
        return error_after(ended, self._owner.retire(worker), self._task)

    def _receive(self, worker: Worker, seconds: float) -> Note | Done:
        progress = time.monotonic()
        poll = select.poll()
        poll.register(worker.channel, select.POLLIN)
        patience = min(seconds, self._limits.stall_seconds)
        while True:
            left = self._cancellation.seconds_left
            wait = min(_CHECK_SECONDS, patience, math.inf if left is None else left)
            if not poll.poll(math.ceil(wait * 1000)):
                self._cancellation.raise_if_cancelled()
                if time.monotonic() - progress >= patience:
                    raise TaskEnded(hung=True)
                continue
            progress = time.monotonic()
            try:
                message = worker.channel.receive()
            except ChannelClosed:
                raise TaskEnded from None
            except Broken as error:
                _LOG.error("a decoder process sent something that is not a message: %s", error)
                raise TaskEnded from None
            if isinstance(message, Done | Failed):
                self._is_over = True
            if isinstance(message, Failed):
                if message.unexpected:
                    _LOG.error("a decoder failed unexpectedly: %s", message.unexpected)
                raise error_of(message)
            if isinstance(message, Note | Done):
                return message
            self._cancellation.raise_if_cancelled()

    def _send(self, message: Start | Note, descriptors: Sequence[int]) -> None:
        try:
            self._running().channel.send(message, descriptors)
        except ChannelClosed:
            raise self._fail(TaskEnded()) from None


def error_after(ended: TaskEnded, exit_code: int | None, task: str) -> MienError:
    """The error to report for a worker that ended with ``exit_code`` during ``task``."""
    fields = {"task": task, "exit_code": exit_code, "hung": ended.hung}
    if exit_code is None:
        return DecoderUnavailable(_STOPPING)
    _LOG.warning("a decoder process was given up", extra={"fields": fields})
    if ended.hung or exit_code == -signal.SIGXCPU:
        return DecoderFailed(DecoderFailed.HUNG)
    if exit_code == -signal.SIGKILL:
        return DecoderUnavailable(_OUT_OF_MEMORY)  # not by this program: by the kernel, whose memory ran out
    return DecoderFailed(DecoderFailed.CRASHED)
