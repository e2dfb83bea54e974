"""A clip that is decoded, and written, in a process of its own."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from mien.domain import Cancellation, Frame, U8Array
from mien.errors import MienError
from mien.sandbox.messages import Done
from mien.sandbox.pool import DecoderPool
from mien.sandbox.session import Session, TaskLimits
from mien.sandbox.shared_memory import SharedMemory
from mien.video import clip_messages as messages
from mien.video.clip_messages import READ_SLOTS, WRITE_SLOTS, decoder, encode
from mien.video.clip_task import CLIP
from mien.video.decoder import DEFAULT_THREADS
from mien.video.model import ClipInfo, Sampling
from mien.video.parts import PartFacts
from mien.video.remux import RemoteWriter
from mien.video.source import LIBAV_OPENINGS, openings

_MIB = 1 << 20
# Beside the frames that the budget counts: the index and what is probed, the scaler, and stacks and arenas of threads.
_MEMORY = 512 * _MIB + 32 * _MIB * (os.cpu_count() or 1)
_WRITING_MEMORY = 1024 * _MIB  # the encoder's frames, at most 1,920 x 1,920 pixels
_CPU_SECONDS = 24 * 3600.0  # without a deadline
_CLOSE_SECONDS = 0.2  # for a decoder to finish its packet; killing it costs the next clip a new process


class RemoteClip:
    """As ``mien.video.clip.Clip``, with its ``wait_for_memory``, in another process.

    Raises:
        As ``Clip``, and what ``Session`` raises: ``DecoderFailed``, ``DecoderUnavailable``.
    """

    def __init__(
        self,
        pool: DecoderPool,
        path: Path,
        order: messages.Order,
        cancellation: Cancellation,
        wait_for_memory: Callable[[int], AbstractContextManager[object]],
    ) -> None:
        self.sampling: Sampling = order.sampling
        self._order = order
        self._cancellation = cancellation
        self._notes = decoder(messages.FromTask)
        self._decoded: deque[messages.Decoded] = deque()
        self._ended = False
        self._write_slots = deque(range(READ_SLOTS, READ_SLOTS + WRITE_SLOTS))
        self._finished: messages.Finished | None = None
        self._facts: PartFacts | None = None
        self._resources = ExitStack()
        try:
            self._open(pool, path)
            opened = self._next()
            while isinstance(opened, messages.NeedMemory):
                lease = wait_for_memory(opened.bytes)
                self._leases.enter_context(lease)
                self._memory = _MEMORY + opened.bytes
                self._session.limit_memory(self._memory)
                self._send(messages.Go())
                opened = self._next()
            if not isinstance(opened, messages.Opened):
                raise self._session.give_up("the clip is not open yet")
            self.info: ClipInfo = opened.info
            self._progress: messages.Progress = opened.progress
        except BaseException:
            self.close()
            raise

    def _open(self, pool: DecoderPool, path: Path) -> None:
        self._leases = self._resources.enter_context(ExitStack())
        slots = (READ_SLOTS + WRITE_SLOTS) * self._order.slot_bytes
        self._shared = self._resources.enter_context(SharedMemory(slots))
        left = self._cancellation.seconds_left
        threads = (self._order.threads or DEFAULT_THREADS) + 2
        seconds = _CPU_SECONDS if left is None else left * threads
        with openings(path, 1 + LIBAV_OPENINGS) as files:
            limits = TaskLimits(_MEMORY, cpu_seconds=seconds)
            self._session: Session = pool.session(CLIP, limits, self._cancellation)
            self._resources.callback(self._end_session)
            self._session.start(encode(self._order), (self._shared.descriptor, *files))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """As ``Clip``."""
        self._resources.close()

    @property
    def frames_decoded(self) -> int:
        return self._progress.frames_decoded

    @property
    def warnings(self) -> tuple[str, ...]:
        return self._progress.warnings

    @property
    def read_until(self) -> float:
        return self._progress.read_until

    @property
    def shown_until(self) -> float:
        return self._progress.shown_until

    @property
    def duration(self) -> float:
        return self._progress.duration

    @property
    def facts(self) -> PartFacts:
        if self._facts is None:
            raise self._session.give_up("not all frames were read")
        return self._facts

    def frames(self) -> Iterator[Frame]:
        """As ``Clip``. The pixels are a copy: the decoder runs ahead, and could change its own at any time."""
        while True:
            while not self._decoded and not self._ended:
                self._file_note()
            if not self._decoded:
                return
            self._cancellation.raise_if_cancelled()
            note = self._decoded.popleft()
            self._progress = note.progress
            if not 0 <= note.slot < READ_SLOTS:
                raise self._session.give_up("no such place for a frame")
            try:
                pixels = self._pixels(note.slot, note.rows, note.columns).copy()
            except ValueError:
                raise self._session.give_up("a frame of no possible size") from None
            self._send(messages.Free(note.slot))
            yield Frame(pixels, note.width, note.height, note.time, note.index, note.scene)

    @contextmanager
    def remuxer(self, target: Path, duration: float) -> Iterator[RemoteWriter]:
        """As ``Clip``."""
        # Whatever the encoder takes, now that the decoder has what it needs.
        self._session.limit_memory(self._memory + _WRITING_MEMORY)
        writing = os.open(target, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        try:
            with openings(target, 1) as reading:
                self._session.send(encode(messages.Begin(duration)), (writing, *reading))
        finally:
            os.close(writing)
        yield (writer := RemoteWriter(self.write))
        self._send(messages.Finish())
        while self._finished is None:
            self._file_note()
        writer.warning = self._finished.warning

    def write(self, pixels: U8Array, time: float) -> None:
        """Have a frame written; see ``Remuxer.write``."""
        while not self._write_slots:
            self._file_note()
        slot = self._write_slots.popleft()
        rows, columns, _ = pixels.shape
        self._pixels(slot, rows, columns)[:] = pixels
        self._send(messages.Write(slot, rows, columns, time))

    def _pixels(self, slot: int, rows: int, columns: int) -> U8Array:
        if rows * columns * 3 > self._order.slot_bytes:
            raise ValueError("larger than its place")
        return self._shared.array(slot * self._order.slot_bytes, (rows, columns, 3))

    def _file_note(self) -> None:
        """Wait for the next note."""
        match self._next():
            case messages.Decoded() as note:
                self._decoded.append(note)
            case messages.End(progress, facts):
                self._ended = True
                self._progress, self._facts = progress, facts
            case messages.Written(slot) if slot >= READ_SLOTS:
                self._write_slots.append(slot)
            case messages.Finished() as note:
                self._finished = note
            case note:
                raise self._session.give_up(f"unexpected: {type(note).__name__}")

    def _next(self) -> Any:
        message = self._session.receive()
        if isinstance(message, Done):
            raise self._session.give_up("the task ended by itself")
        try:
            return self._notes.decode(message.body)
        except msgspec.MsgspecError as error:
            raise self._session.give_up(str(error)) from error

    def _send(self, note: messages.ToTask) -> None:
        self._session.send(encode(note))

    def _end_session(self) -> None:
        """Let the process go on to another clip if it comes to rest soon; kill it if not."""
        try:
            if self._session.is_running:
                self._send(messages.Close())
            while self._session.is_running:
                self._session.receive(_CLOSE_SECONDS)
        except (MienError, OSError):
            pass  # it is over either way, and what went wrong was reported when it mattered
        finally:
            self._session.close()
