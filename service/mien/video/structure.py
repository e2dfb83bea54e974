"""How a container's parts lie in its file: whether the last of them is all there, and what recordings follow.

Demuxers come to the end of a file that was cut off without a word, and headers claim lengths that are not so. Only the
sizes that a container gives its parts tell the two apart.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, NamedTuple

# Parts that are visited before it is given up: as many packets as hours of an ordinary clip have.
_MOST_PARTS = 500_000

_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
_FLV_HEADER, _FLV_TAG = 13, 15  # bytes, with the size of the tag before that follows each
_FLV_TAG_KINDS = (8, 9, 18)


class Structure(NamedTuple):
    """``is_cut_off``: a part runs past the end of the file.

    ``joined``: the offsets in bytes at which recordings begin in it, without that of the first.
    """

    is_cut_off: bool = False
    joined: tuple[int, ...] = ()


class _Part(NamedTuple):
    """A part of a file, by the offsets of its beginning and end; every recording has one that ``is_first``."""

    begin: int
    end: int
    is_first: bool


def structure_of(path: Path, container: str) -> Structure:
    """How the file ``path`` is put together, ``container`` being libav's name for what it is.

    Transport streams and GIFs do not say how long they are to be: nothing is found out about them.
    """
    walk = next((walk for name, walk in _WALKS.items() if name in container.split(",")), None)
    if walk is None:
        return Structure()
    recordings: list[int] = []
    furthest = 0
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        for visited, part in enumerate(walk(file)):
            furthest = max(furthest, part.end)
            if part.is_first:
                recordings.append(part.begin)
            if visited == _MOST_PARTS:
                break
    return Structure(furthest > size, tuple(recordings[1:]))


def _boxes(file: BinaryIO) -> Iterator[_Part]:
    """MP4 and MOV: boxes of a length and a name (ISO/IEC 14496-12, 4.2); every recording has a ``moov``."""
    at = 0
    while len(head := _bytes(file, at, 16)) >= 8:
        length, name = int.from_bytes(head[:4]), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16])
        elif length == 0:
            length = file.seek(0, os.SEEK_END) - at  # to the end of the file, wherever that is
        if length < 8 or not name.isalnum():
            return  # something else was put behind the clip
        yield _Part(at, at + length, name == b"moov")
        at += length


def _chunks(file: BinaryIO) -> Iterator[_Part]:
    """AVI: chunks of a name and a length. None counts as another recording: the demuxer reads through all of them."""
    at = 0
    while (head := _bytes(file, at, 8))[:4] == b"RIFF":
        length = 8 + int.from_bytes(head[4:8], "little")
        yield _Part(at, at + length, False)
        at += length + length % 2


def _elements(file: BinaryIO) -> Iterator[_Part]:
    """Matroska and WebM: elements of a name and a length (RFC 8794, 4 to 6).

    A live recorder leaves the lengths of segments and clusters open: then what is inside them is visited.
    """
    at = 0
    while (head := _element(_bytes(file, at, 12))) is not None:
        name, begin, length = head
        if length is None and name not in (_SEGMENT, _CLUSTER):
            return
        whole = begin + (length or 0)
        yield _Part(at, at + whole, name == _EBML)
        at += whole


def _element(head: bytes) -> tuple[int, int, int | None] | None:
    """Name, bytes of head and length (``None``: open) of the element at the beginning of ``head``, if it is one."""
    name_bytes = 9 - head[0].bit_length() if head else 9
    if name_bytes > 4 or len(head) <= name_bytes:
        return None
    length_bytes = 9 - head[name_bytes].bit_length()
    end = name_bytes + length_bytes
    if length_bytes > 8 or len(head) < end:
        return None
    most = (1 << 7 * length_bytes) - 1
    length = int.from_bytes(head[name_bytes:end]) & most
    return int.from_bytes(head[:name_bytes]), end, None if length == most else length


def _tags(file: BinaryIO) -> Iterator[_Part]:
    """FLV: tags of a kind and a length; a header in their midst begins another recording."""
    at = 0
    while len(head := _bytes(file, at, 4)) == 4:
        is_header = head[:3] == b"FLV"
        if not is_header and head[0] not in _FLV_TAG_KINDS:
            return
        length = _FLV_HEADER if is_header else _FLV_TAG + int.from_bytes(head[1:4])
        yield _Part(at, at + length, is_header)
        at += length


def _bytes(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)


_WALKS: Mapping[str, Callable[[BinaryIO], Iterator[_Part]]] = MappingProxyType(
    {
        "mp4": _boxes,
        "avi": _chunks,
        "matroska": _elements,
        "flv": _tags,
    }
)
