"""The file that a clip is read from, by its path or by descriptors, and the file that one is written to.

A decoder process may not open files: it is handed descriptors. Each stands for an opening of its own, because readers
of one opening would move each other's position.
"""

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

LIBAV_OPENINGS = 8
"""How often libav opens a clip at most: for the pictures, for them anew after a failed seek, to look for the end, and
for the sound; each time twice if the tracks are not known at first."""


class ClipSource(Protocol):
    """What ``Path`` and ``OpenedClip`` have in common: the bytes of the file."""

    def open(self, mode: Literal["rb"]) -> BinaryIO: ...


@dataclass(slots=True)
class OpenedClip:
    """``descriptors``: openings of one file, the first for Python's readers, one at a time, the others for libav."""

    descriptors: list[int]
    _taken: int = field(default=0, init=False)

    def open(self, mode: Literal["rb"]) -> BinaryIO:
        """The file from its beginning."""
        os.lseek(self.descriptors[0], 0, os.SEEK_SET)
        return os.fdopen(os.dup(self.descriptors[0]), mode)

    def take(self) -> int:
        """A descriptor for libav, which duplicates it."""
        self._taken += 1
        return self.descriptors[self._taken]


def libav_address(source: ClipSource) -> tuple[str, Mapping[str, str]]:
    """The URL by which libav opens ``source``, and the options that belong to it; nothing else may be opened."""
    if isinstance(source, OpenedClip):
        return "fd:", {"fd": str(source.take()), "protocol_whitelist": "fd"}
    return f"file:{source}", {"protocol_whitelist": "file"}


@dataclass(frozen=True, slots=True)
class OpenedTarget:
    """Two openings of the file to write: one for reading and writing, and one to read what was written, which MP4
    takes to put its index at the front."""

    writing: int
    reading: int

    def file(self) -> io.FileIO:
        """For the muxer."""
        return io.FileIO(self.writing, "r+", closefd=False)

    def reopen(self, *_: object) -> io.FileIO:
        """For its second pass."""
        os.lseek(self.reading, 0, os.SEEK_SET)
        return io.FileIO(self.reading, "r", closefd=False)


ClipTarget = Path | OpenedTarget


@contextmanager
def openings(path: Path, count: int) -> Iterator[list[int]]:
    """Descriptors of ``path`` for reading, each an opening of its own."""
    with ExitStack() as stack:
        descriptors = []
        for _ in range(count):
            descriptors.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
            stack.callback(os.close, descriptors[-1])
        yield descriptors
