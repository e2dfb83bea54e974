"""Notes between ``RemoteClip`` and ``ClipTask``. Pixels go through shared memory: ``slot`` is a place in it."""

from typing import Any

import msgspec

from mien.video.demuxer import KeyFrame
from mien.video.fractions import fraction_of_text, fraction_to_text
from mien.video.model import ClipInfo, ClipLimits, Sampling
from mien.video.parts import PartFacts

READ_SLOTS, WRITE_SLOTS = 3, 2
"""Places for frames that were decoded, so that decoding runs ahead, and after them for frames to be written."""


class Order(msgspec.Struct, tag=True, frozen=True):
    """Open the clip, whose descriptors come after that of the shared memory: one for each of ``OpenedClip``."""

    sampling: Sampling
    limits: ClipLimits
    long_side: int
    threads: int
    key_frame: KeyFrame | None = None

    @property
    def slot_bytes(self) -> int:
        return self.long_side**2 * 3


class Go(msgspec.Struct, tag=True, frozen=True):
    """To the task: the memory budget has room."""


class Free(msgspec.Struct, tag=True, frozen=True):
    """To the task: the frame in ``slot`` was read."""

    slot: int


class Begin(msgspec.Struct, tag=True, frozen=True):
    """To the task: frames will be written, to the descriptors of ``OpenedTarget``; the clip lasts ``duration`` s."""

    duration: float


class Write(msgspec.Struct, tag=True, frozen=True):
    """To the task: write the frame in ``slot``, of ``time`` in seconds of the clip."""

    slot: int
    height: int
    width: int
    time: float


class Finish(msgspec.Struct, tag=True, frozen=True):
    """To the task: complete the file."""


class Close(msgspec.Struct, tag=True, frozen=True):
    """To the task: the clip is no longer needed."""


class Progress(msgspec.Struct, frozen=True):
    """What ``Clip`` knows so far."""

    frames_decoded: int
    read_until: float
    shown_until: float
    duration: float
    warnings: tuple[str, ...] = ()


class NeedMemory(msgspec.Struct, tag=True, frozen=True):
    """From the task: decoding may take so many bytes."""

    bytes: int


class Opened(msgspec.Struct, tag=True, frozen=True):
    """From the task: the first frame is decoded."""

    info: ClipInfo
    progress: Progress


class Decoded(msgspec.Struct, tag=True, frozen=True):
    """From the task: a frame of ``rows`` x ``columns`` pixels is in ``slot``; the others are those of ``Frame``."""

    slot: int
    rows: int
    columns: int
    width: int
    height: int
    time: float
    index: int
    scene: int
    progress: Progress


class End(msgspec.Struct, tag=True, frozen=True):
    """From the task: there are no more frames."""

    progress: Progress
    facts: PartFacts


class Written(msgspec.Struct, tag=True, frozen=True):
    """From the task: the frame in ``slot`` was written."""

    slot: int


class Finished(msgspec.Struct, tag=True, frozen=True):
    """From the task: the file is complete; ``warning`` says what sound was lost."""

    warning: str | None


ToTask = Go | Free | Begin | Write | Finish | Close
FromTask = NeedMemory | Opened | Decoded | End | Written | Finished


def encode(message: Order | ToTask | FromTask) -> bytes:
    """The body of a note."""
    return msgspec.msgpack.encode(message, enc_hook=fraction_to_text)


def decoder(kind: Any) -> "msgspec.msgpack.Decoder[Any]":
    """Decodes notes of a union of the types above.

    The decoder raises:
        msgspec.MsgspecError: the note is something else.
    """
    return msgspec.msgpack.Decoder(kind, dec_hook=fraction_of_text)
