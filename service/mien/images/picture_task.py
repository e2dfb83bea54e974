"""Decoding one picture in a decoder process; ``RemotePictures`` is the other side."""

import os
from collections.abc import Mapping

import msgspec
import numpy as np
import PIL
import pillow_heif

from mien.domain import Box
from mien.images.formats import PictureFormat
from mien.images.limits import DecodeLimits
from mien.images.pillow_readers import only_mien_errors
from mien.images.planning import Planner
from mien.sandbox.worker import Handler, TaskContext, import_all

PICTURE = "picture"
"""The name of this task."""
DECLINE, GO = b"decline", b"go"
"""The answer to ``Planned``."""


class Order(msgspec.Struct, frozen=True):
    """Decode the file behind the first descriptor, of ``size`` bytes. The pixels go into the memory behind the second,
    which has ``scratch_bytes`` and may be the same, or, if they are more, behind the third."""

    picture_format: PictureFormat
    size: int
    scratch_bytes: int
    limits: DecodeLimits
    min_side: int | None


class Planned(msgspec.Struct, frozen=True):
    """Decoding will take so many bytes."""

    memory: int


class Decoded(msgspec.Struct, frozen=True):
    """The result: ``rows`` x ``columns`` pixels, BGR, at the beginning of one of the memories; the others as in
    ``Frame``."""

    rows: int
    columns: int
    width: int
    height: int
    readable: Box | None
    warnings: tuple[str, ...]


def decode_picture(context: TaskContext) -> bytes:
    """The handler."""
    order = msgspec.msgpack.decode(context.body, type=Order)
    file, scratch, large = context.descriptors
    data = os.pread(file, order.size, 0)
    with only_mien_errors(order.picture_format):
        plan = Planner(order.limits).plan(data, order.picture_format, order.min_side, context.alive)
        context.send(msgspec.msgpack.encode(Planned(plan.memory)))
        if context.receive() != GO:
            return b""
        frame = plan.decode()
    rows, columns, _ = frame.pixels.shape
    # Written and not mapped, which faults page by page.
    target = scratch if frame.pixels.nbytes <= order.scratch_bytes else large
    os.pwrite(target, np.ascontiguousarray(frame.pixels).data, 0)
    decoded = Decoded(rows, columns, frame.width, frame.height, frame.readable, frame.warnings)
    return msgspec.msgpack.encode(decoded)


def handlers() -> Mapping[str, Handler]:
    """For ``mien.sandbox.fork_server``."""
    import_all(PIL)
    import_all(pillow_heif)
    return {PICTURE: decode_picture}
