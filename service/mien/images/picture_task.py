"""Decoding one picture in a decoder process; ``RemotePictures`` is the other side."""

import math
import os
from collections.abc import Mapping

import msgspec
import numpy as np
import PIL
import pillow_heif

from mien.domain import Box, U8Array
from mien.images.formats import PictureFormat
from mien.images.limits import DecodeLimits
from mien.images.pillow_readers import only_mien_errors
from mien.images.planning import Planner
from mien.sandbox.shared_memory import array_in
from mien.sandbox.worker import Handler, TaskContext, import_all

PICTURE = "picture"
"""The name of this task."""
DECLINE, GO = b"decline", b"go"
"""The answer to ``Planned``."""


class Order(msgspec.Struct, frozen=True):
    """Decode the file of ``size`` bytes at the beginning of the scratch memory, or, if it is larger, in the second
    memory. The pixels go into the scratch memory, or, if they do not fit, into the first memory."""

    picture_format: PictureFormat
    size: int
    limits: DecodeLimits
    min_side: int | None


class Planned(msgspec.Struct, frozen=True):
    """Decoding will take so many bytes."""

    memory: int


class Decoded(msgspec.Struct, frozen=True):
    """The result: ``rows`` x ``columns`` pixels, BGR, at the beginning of the memory; the others as in ``Frame``."""

    rows: int
    columns: int
    width: int
    height: int
    readable: Box | None
    warnings: tuple[str, ...]


def decode_picture(context: TaskContext) -> bytes:
    """The handler."""
    order = msgspec.msgpack.decode(context.body, type=Order)
    scratch = context.scratch
    large, *file = context.descriptors
    data = os.pread(file[0], order.size, 0) if file else scratch[: order.size]

    def allocate(shape: tuple[int, ...]) -> U8Array:
        """Where the service finds the pixels, without a copy."""
        return array_in(scratch, 0, shape) if math.prod(shape) <= len(scratch) else np.empty(shape, np.uint8)

    with only_mien_errors(order.picture_format):
        plan = Planner(order.limits).plan(data, order.picture_format, order.min_side, context.alive, allocate)
        context.send(msgspec.msgpack.encode(Planned(plan.memory)))
        if context.receive() != GO:
            return b""
        frame = plan.decode()
    rows, columns, _ = frame.pixels.shape
    if frame.pixels.nbytes > len(scratch):
        os.pwrite(large, np.ascontiguousarray(frame.pixels).data, 0)  # cheaper than through a mapping, which faults
    else:
        target = array_in(scratch, 0, frame.pixels.shape)
        if frame.pixels.ctypes.data != target.ctypes.data:
            target[:] = frame.pixels
    decoded = Decoded(rows, columns, frame.width, frame.height, frame.readable, frame.warnings)
    return msgspec.msgpack.encode(decoded)


def handlers() -> Mapping[str, Handler]:
    """For ``mien.sandbox.fork_server``."""
    import_all(PIL)
    import_all(pillow_heif)
    return {PICTURE: decode_picture}
