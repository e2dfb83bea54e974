"""Dividing a clip into parts in a decoder process."""

import os
from contextlib import closing
from pathlib import Path

import msgspec

from mien.domain import Cancellation
from mien.memory import large_blocks_returned
from mien.sandbox.messages import Done
from mien.sandbox.pool import DecoderPool
from mien.sandbox.session import TaskLimits
from mien.sandbox.worker import TaskContext
from mien.video.model import Sampling
from mien.video.parts import PartBounds, divide
from mien.video.source import LIBAV_OPENINGS, OpenedClip, openings

DIVIDE = "divide"
"""The name of this task."""
_MIB = 1 << 20
_MEMORY = 512 * _MIB + 32 * _MIB * (os.cpu_count() or 1)  # the index, what is probed, and the times of all frames
_CPU_SECONDS = 24 * 3600.0  # without a deadline
_THREADS = 2


class Division(msgspec.Struct, frozen=True):
    """As ``divide``; the clip's descriptors are those of ``OpenedClip``. The result is the size of the packed bounds,
    which are at the beginning of the scratch memory."""

    sampling: Sampling
    seconds: float
    max_pixels: int


def divide_clip(context: TaskContext) -> bytes:
    """The handler."""
    order = msgspec.msgpack.decode(context.body, type=Division)
    source = OpenedClip(context.descriptors)
    with large_blocks_returned():
        bounds = divide(source, order.sampling, order.seconds, order.max_pixels, context.alive)
    packed = msgspec.msgpack.encode(bounds)
    context.scratch[: len(packed)] = packed
    return msgspec.msgpack.encode(len(packed))


def divide_remotely(pool: DecoderPool, path: Path, division: Division, cancellation: Cancellation) -> list[PartBounds]:
    """As ``divide``, in a process of ``pool``.

    Raises:
        As ``divide``, and what ``Session`` raises.
    """
    left = cancellation.seconds_left
    limits = TaskLimits(_MEMORY, cpu_seconds=_CPU_SECONDS if left is None else left * _THREADS)
    with (
        openings(path, 1 + LIBAV_OPENINGS) as files,
        closing(pool.session(DIVIDE, limits, cancellation)) as session,
    ):
        session.start(msgspec.msgpack.encode(division), files)
        message = session.receive()
        if not isinstance(message, Done):
            raise session.give_up("bounds have no notes")
        try:
            size = msgspec.msgpack.decode(message.body, type=int)
            packed = session.scratch.array(0, (size,)).tobytes()
            return msgspec.msgpack.decode(packed, type=list[PartBounds])
        except (msgspec.MsgspecError, ValueError) as error:
            raise session.give_up(str(error)) from error
