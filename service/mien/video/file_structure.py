"""The parts of a container file: whether the last one is complete, and which recordings follow the first.

Demuxers reach the end of a truncated file without an error, and headers declare wrong lengths. Only the sizes that a
container gives its parts tell the two cases apart.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import BinaryIO, NamedTuple

from mien.video.matroska import CLUSTER, EBML, LONGEST_HEADER, SEGMENT, read_element
from mien.video.source import ClipSource

_MAX_PARTS = 500_000  # to visit: as many packets as hours of an ordinary clip have

_FLV_HEADER, _FLV_TAG = 13, 15  # bytes, each with the "previous tag size" that follows it
_FLV_TAG_TYPES = (8, 9, 18)


class FileStructure(NamedTuple):
    """``is_cut_off``: a part runs past the end of the file.

    ``joined``: the offsets in bytes at which further recordings begin.
    """

    is_cut_off: bool = False
    joined: tuple[int, ...] = ()


class _Part(NamedTuple):
    """A part of a file, by the offsets of its beginning and end; every recording has one with ``starts_recording``."""

    begin: int
    end: int
    starts_recording: bool


def file_structure(source: ClipSource, container: str) -> FileStructure:
    """The structure of the file ``source``, ``container`` being FFmpeg's name for its format.

    Transport streams and GIFs do not declare their size: nothing is known about them.
    """
    walk = next((walk for name, walk in _WALKS.items() if name in container.split(",")), None)
    if walk is None:
        return FileStructure()
    recordings: list[int] = []
    furthest = 0
    with source.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        for part in islice(walk(file), _MAX_PARTS + 1):
            furthest = max(furthest, part.end)
            if part.starts_recording:
                recordings.append(part.begin)
    return FileStructure(furthest > size, tuple(recordings[1:]))


def _boxes(file: BinaryIO) -> Iterator[_Part]:
    """MP4 and MOV: boxes of a length and a name (ISO/IEC 14496-12, 4.2); every recording has a ``moov``."""
    at = 0
    while len(head := _read(file, at, 16)) >= 8:
        length, name = int.from_bytes(head[:4]), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16])
        elif length == 0:
            length = file.seek(0, os.SEEK_END) - at  # up to the end of the file
        if length < 8 or not name.isalnum():
            return  # other data appended to the clip
        yield _Part(at, at + length, name == b"moov")
        at += length


def _chunks(file: BinaryIO) -> Iterator[_Part]:
    """AVI: chunks of a name and a length. None is another recording: the demuxer reads all of them."""
    at = 0
    while (head := _read(file, at, 8))[:4] == b"RIFF":
        length = 8 + int.from_bytes(head[4:8], "little")
        yield _Part(at, at + length, False)
        at += length + length % 2


def _elements(file: BinaryIO) -> Iterator[_Part]:
    """Matroska and WebM: EBML elements.

    A live recorder leaves the lengths of segments and clusters unknown: then their content is visited.
    """
    at = 0
    while (element := read_element(_read(file, at, LONGEST_HEADER))) is not None:
        if element.length is None and element.identifier not in (SEGMENT, CLUSTER):
            return
        end = at + element.header_bytes + (element.length or 0)
        yield _Part(at, end, element.identifier == EBML)
        at = end


def _tags(file: BinaryIO) -> Iterator[_Part]:
    """FLV: tags of a type and a length; another header among them begins another recording."""
    at = 0
    while len(head := _read(file, at, 4)) == 4:
        is_header = head[:3] == b"FLV"
        if not is_header and head[0] not in _FLV_TAG_TYPES:
            return
        length = _FLV_HEADER if is_header else _FLV_TAG + int.from_bytes(head[1:4])
        yield _Part(at, at + length, is_header)
        at += length


def _read(file: BinaryIO, at: int, count: int) -> bytes:
    if at >= os.fstat(file.fileno()).st_size:
        return b""  # a length may lead further than the file system can seek, which would be an error
    file.seek(at)
    return file.read(count)


_WALKS: Mapping[str, Callable[[BinaryIO], Iterator[_Part]]] = MappingProxyType(
    {"mp4": _boxes, "avi": _chunks, "matroska": _elements, "flv": _tags}
)
