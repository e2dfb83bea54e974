"""Decoding, and writing, a clip in a decoder process; ``RemoteClip`` is the other side."""

import mmap
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from typing import Never

import av

from mien.domain import Frame
from mien.memory import large_blocks_returned, trimmer
from mien.sandbox.shared_memory import array_in
from mien.sandbox.worker import Handler, TaskContext, import_all
from mien.video.clip import Clip
from mien.video.clip_messages import (
    READ_SLOTS,
    Begin,
    Decoded,
    End,
    Finish,
    Finished,
    Free,
    FromTask,
    Go,
    NeedMemory,
    Opened,
    Order,
    Progress,
    ToTask,
    Write,
    Written,
    decoder,
    encode,
)
from mien.video.divide_task import DIVIDE, divide_clip
from mien.video.source import OpenedClip, OpenedTarget
from mien.video.writer import Remuxer

CLIP = "clip"
"""The name of this task."""


class _Closed(Exception):
    """The clip is no longer needed."""


class ClipTask:
    """One clip. It runs ahead by the frames that the shared memory has room for."""

    def __init__(self, context: TaskContext) -> None:
        self._context = context
        self._order: Order = decoder(Order).decode(context.body)
        self._notes = decoder(ToTask)
        memory, *files = context.descriptors
        self._memory = mmap.mmap(memory, 0)
        self._source = OpenedClip(files)
        self._free = deque(range(READ_SLOTS))
        self._writing: ExitStack | None = None
        self._remuxer: Remuxer | None = None

    def run(self) -> None:
        """Until the other side closes the clip.

        Raises:
            As ``Clip``; ``OSError``, if the target cannot be written.
        """
        with large_blocks_returned():
            opened = Clip(
                self._source,
                self._order.sampling,
                self._order.limits,
                self._order.long_side,
                self._order.threads,
                key_frame=self._order.key_frame,
                raise_if_cancelled=self._context.alive,
                wait_for_memory=self._wait_for_memory,
            )
        with opened as clip:
            self._send(Opened(clip.info, _progress(clip)))
            with ExitStack() as self._writing:
                for frame in clip.frames():
                    self._send_frame(clip, frame)
                self._send(End(_progress(clip), clip.facts))
                self._serve_until_closed(clip)

    def _wait_for_memory(self, count: int) -> AbstractContextManager[object]:
        self._send(NeedMemory(count))
        note = self._receive()
        if not isinstance(note, Go):
            raise _Closed
        return nullcontext()

    def _send_frame(self, clip: Clip, frame: Frame) -> None:
        while (waiting := self._context.try_receive()) is not None:
            self._handle(self._notes.decode(waiting), clip)
        while not self._free:
            self._handle(self._receive(), clip)
        slot = self._free.popleft()
        rows, columns, _ = frame.pixels.shape
        array_in(self._memory, slot * self._order.slot_bytes, (rows, columns, 3))[:] = frame.pixels
        shape = (slot, rows, columns, frame.width, frame.height)
        self._send(Decoded(*shape, frame.time, frame.index, frame.scene, _progress(clip)))

    def _serve_until_closed(self, clip: Clip) -> Never:
        while True:
            self._handle(self._receive(), clip)

    def _handle(self, note: object, clip: Clip) -> None:
        match note:
            case Free(slot):
                self._free.append(slot)
            case Begin(duration) if self._writing is not None:
                target = OpenedTarget(*self._context.descriptors[-2:])
                self._remuxer = self._writing.enter_context(clip.remuxer(target, duration))
            case Write(slot, height, width, time) if self._remuxer is not None:
                offset = slot * self._order.slot_bytes
                self._remuxer.write(array_in(self._memory, offset, (height, width, 3)), time)
                self._send(Written(slot))
            case Finish() if self._writing is not None and self._remuxer is not None:
                self._writing.close()
                self._send(Finished(self._remuxer.warning))
            case _:
                raise _Closed

    def _receive(self) -> object:
        return self._notes.decode(self._context.receive())

    def _send(self, message: FromTask) -> None:
        self._context.send(encode(message))


def _progress(clip: Clip) -> Progress:
    return Progress(clip.frames_decoded, clip.read_until, clip.shown_until, clip.duration, clip.warnings)


def decode_clip(context: TaskContext) -> bytes:
    """The handler."""
    with suppress(_Closed):
        ClipTask(context).run()
    return b""


def handlers() -> Mapping[str, Handler]:
    """For ``mien.sandbox.fork_server``."""
    import_all(av)  # it imports the wrappers of streams when it meets the first of a kind
    trim = trimmer() or (lambda: None)
    return {CLIP: _trimmed(decode_clip, trim), DIVIDE: _trimmed(divide_clip, trim)}


def _trimmed(handler: Handler, trim: Callable[[], None]) -> Handler:
    """``handler``, after which free memory is returned to the system: the index of three hours takes 30 MiB, and the
    segments of a job are read in one process after the other."""

    def run(context: TaskContext) -> bytes:
        try:
            return handler(context)
        finally:
            trim()

    return run
