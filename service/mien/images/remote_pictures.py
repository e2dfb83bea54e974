"""Pictures that are decoded in a process of their own."""

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from mien.domain import Cancellation, Frame
from mien.errors import MienError
from mien.images.formats import PictureFormat
from mien.images.limits import FRAME_BYTES_PER_PIXEL, DecodeLimits
from mien.images.picture_task import DECLINE, GO, PICTURE, Decoded, Order, Planned
from mien.images.planning import Plan
from mien.sandbox.messages import Done, Note
from mien.sandbox.pool import DecoderPool
from mien.sandbox.session import Session, TaskLimits
from mien.sandbox.shared_memory import SharedMemory

FORMATS = frozenset(PictureFormat) - {PictureFormat.JPEG, PictureFormat.PNG, PictureFormat.WEBP}
"""What is decoded there: the formats of many little-used decoders, and those that libheif and libavif read."""

T = TypeVar("T")

_MIB = 1 << 20
_MEMORY = 256 * _MIB + 16 * _MIB * (os.cpu_count() or 1)  # beside the plan's; stacks and arenas of threads
_COPIES = 4  # of the file
_CPU_SECONDS = 600.0  # without a deadline
_DECLINE_SECONDS = 1.0
_NO_PICTURE = "not a picture"


@dataclass(frozen=True, slots=True)
class RemotePictures:
    """Decodes pictures in ``pool`` within ``limits``."""

    pool: DecoderPool
    limits: DecodeLimits

    @contextmanager
    def plan(
        self,
        data: bytes,
        picture_format: PictureFormat,
        min_side: int | None,
        deadline: float | None,
        check: Callable[[], None],
    ) -> Iterator[Plan]:
        """As ``Planner.plan``; the process is busy until the context is left.

        Raises:
            As ``Planner.plan`` and the plan's ``decode``, and what ``Session`` raises.
        """

        def is_cancelled() -> bool:
            check()  # raises
            return False

        cancellation = Cancellation(deadline, is_cancelled)
        memory = _MEMORY + _COPIES * len(data)
        seconds = _CPU_SECONDS
        if deadline is not None:
            seconds = max(1.0, deadline - time.monotonic()) * (1 + (os.cpu_count() or 1))
        limits = TaskLimits(memory, cpu_seconds=seconds)
        with (
            closing(self.pool.session(PICTURE, limits, cancellation)) as session,
            SharedMemory(FRAME_BYTES_PER_PIXEL * self.limits.max_pixels) as large,
        ):
            scratch = session.scratch
            order = Order(picture_format, len(data), self.limits, min_side)
            with ExitStack() as stack:
                descriptors = [large.descriptor]
                if len(data) > scratch.size:
                    file = stack.enter_context(SharedMemory(len(data)))
                    file.write(data)
                    descriptors.append(file.descriptor)
                else:
                    scratch.write(data)
                session.start(msgspec.msgpack.encode(order), descriptors)
            planned = _receive(session, Note, Planned)
            begun = False

            def decode() -> Frame:
                nonlocal begun
                begun = True
                session.limit_memory(memory + planned.memory)
                session.send(GO)
                return _frame(session, scratch, large)

            try:
                yield Plan(planned.memory, decode)
            finally:
                if not begun:
                    _decline(session)


def _frame(session: Session, scratch: SharedMemory, large: SharedMemory) -> Frame:
    decoded = _receive(session, Done, Decoded)
    shape = (decoded.rows, decoded.columns, 3)
    is_small = math.prod(shape) <= scratch.size
    try:
        # A large one is not copied: a pixel that the process still changed would harm no one but this picture.
        pixels = scratch.array(0, shape).copy() if is_small else large.array(0, shape)
    except ValueError:
        raise session.give_up("a picture of no possible size") from None
    return Frame(pixels, decoded.width, decoded.height, readable=decoded.readable, warnings=decoded.warnings)


def _decline(session: Session) -> None:
    """It will not be decoded, now or here: the process may go on to another picture."""
    with suppress(MienError):
        if not session.is_running:
            return
        session.send(DECLINE)
        session.receive(_DECLINE_SECONDS)


def _receive(session: Session, kind: type[Note | Done], content: type[T]) -> T:
    message = session.receive()
    if not isinstance(message, kind):
        raise session.give_up(_NO_PICTURE)
    try:
        return msgspec.msgpack.decode(message.body, type=content)
    except msgspec.MsgspecError as error:
        raise session.give_up(str(error)) from error
