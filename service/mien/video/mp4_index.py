"""What the index of an MP4 or MOV would make libav allocate, before libav is given the file.

A few bytes there can announce any number of samples, and libav has memory for them before it has read one: 2 KB took
4 GiB. See ISO/IEC 14496-12, 8.6 to 8.8, for the boxes, and libavformat/mov.c for what becomes of them.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mien.errors import CorruptMedia, TooLarge, UnsupportedMedia

MOST_BYTES = 256 * 1024 * 1024
"""That an index may take in memory. Four hours of 60 frames a second with their sound take half of it."""

_MOST_HEADER = 64 * 1024 * 1024
_MOST_BOXES = 500_000

# Bytes that libav keeps, measured: of a sample (its place, size, time and key, twice while edits are applied), of a
# piece of raw sound, of an entry of any table, and of a fragment for each track.
_SAMPLE = 80
_PIECE = 24
_ENTRY = 16
_FRAGMENT = 64
_ITEM = 256
_SHORTEST_PIECE = 160  # samples of raw sound that libav puts into one piece, at least

# Boxes at the top of a file in which libav looks for others; it looks for any of them in any of these.
_OUTER = frozenset(
    {
        *(b"moov", b"moof", b"hoov", b"trak", b"mdia", b"minf", b"stbl", b"traf", b"mvex", b"edts", b"udta", b"meta"),
        *(b"dinf", b"clip", b"gmhd", b"wave", b"sinf", b"schi", b"iprp", b"cmov", b"stsd", b"tref"),
    }
)
_TABLES = (b"stts", b"ctts", b"stsc", b"stco", b"co64", b"stss", b"stps")
# What the handlers of a track of raw sound are: sound, and how QuickTime reaches its data.
_SOUND_HANDLERS = frozenset((b"soun", b"alis", b"url ", b"rsrc", bytes(4)))
_FRAGMENT_SIZES = 0x200  # the flag of ``trun`` that says that each sample's size is there


def check_index(path: Path) -> None:
    """Refuse ``path`` where it is an MP4 or MOV and its index would take more than ``MOST_BYTES``.

    Boxes are not followed but searched for by their names, so that none is overlooked where libav would find it: it
    reads most of them wherever they stand.

    Raises:
        CorruptMedia: it announces more than the file can hold.
        TooLarge: it is all there, but too much.
        UnsupportedMedia: the clip is encrypted.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        total = tracks = fragments = 0
        for kind, header in _headers(file, size):
            if kind == b"sidx":
                fragments += _u16(header, 22 if header[:1] == b"\0" else 30)
                continue
            fragments += kind == b"moof"
            tracks += header.count(b"trak")
            total += _cost(header, size)
            if total + fragments * tracks * _FRAGMENT > MOST_BYTES:
                raise _too_large()


def _headers(file: BinaryIO, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of the boxes at the top of the file that have something to say, unpacked."""
    at = 0
    for _ in range(_MOST_BOXES):
        file.seek(at)
        head = file.read(24)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head[:8])
        body = 8
        if length == 1:
            length, body = struct.unpack(">Q", head[8:16].rjust(8, b"\0"))[0], 16
        if length == 0 or at + length > size:
            length = size - at
        if length < body:
            return
        inner = head[body + 4 : body + 8]
        hidden = kind in {b"free", b"hoov"} and inner in {b"mvhd", b"cmov"}
        if kind in _OUTER or kind == b"sidx" or kind in _TABLES or kind in {b"stsz", b"stz2", b"elst"} or hidden:
            if length > _MOST_HEADER:
                raise _too_large()
            # With its own name: it may itself be what is searched for.
            file.seek(at + (body if kind == b"sidx" else 0))
            yield kind, _unpacked(file.read(length - (body if kind == b"sidx" else 0)))
        at += length
    raise TooLarge("max_boxes", _MOST_BOXES, "The clip is written in too many pieces; send it re-encoded or rewritten.")


def _unpacked(header: bytes) -> bytes:
    """``header``, or what it holds in compressed form."""
    at = header.find(b"cmvd")
    if at < 0:
        return header
    if _u32(header, at + 4) > _MOST_HEADER:
        raise _too_large()
    try:
        return header + zlib.decompressobj().decompress(header[at + 8 :], _MOST_HEADER)
    except zlib.error:
        return header


def _cost(header: bytes, size: int) -> int:
    """Bytes that libav would take for all that ``header`` announces of a file of ``size`` bytes."""
    if b"tenc" in header and b"schm" in header:
        raise UnsupportedMedia("The clip is encrypted and cannot be read; send it without copy protection.")
    starts = [0, *_places(header, b"trak"), len(header)]
    total = sum(_track(header[begin:end]).cost(size) for begin, end in pairwise(starts))
    for at in _places(header, b"trun"):
        flags, count = _u32(header, at) & 0xFFFFFF, _u32(header, at + 4)
        _check_count(count, size if flags & _FRAGMENT_SIZES == 0 else size // 4)
        total += count * _SAMPLE
    for name, place in ((b"iinf", 4), (b"iloc", 6)):
        total += sum(_u32(header, at + place) * _ITEM for at in _places(header, name) if header[at : at + 1] != b"\0")
    return total


class _Track(NamedTuple):
    """What one track announces: samples in its own list, samples that are all of one size, entries of its tables,
    edits past the first, and the pieces of its sound where it is raw (else ``None``)."""

    listed: int
    uniform: int
    entries: int
    edits: int
    pieces: int | None

    def cost(self, size: int) -> int:
        """Bytes that libav would take."""
        _check_count(self.listed, size)  # an entry takes half a byte at least, and its sample another
        _check_count(self.entries, size // 4)
        samples = self.listed
        if self.pieces is None:
            _check_count(self.uniform, size)  # of at least a byte each
            samples += self.uniform
        return (self.pieces or 0) * _PIECE + samples * _SAMPLE * (1 + self.edits) + self.entries * _ENTRY


def _track(header: bytes) -> _Track:
    listed = uniform = 0
    for at in _places(header, b"stsz"):
        if _u32(header, at + 4):
            uniform += _u32(header, at + 8)
        else:
            listed += _u32(header, at + 8)
    listed += sum(_u32(header, at + 8) for at in _places(header, b"stz2"))
    entries = sum(_u32(header, at + 4) for name in _TABLES for at in _places(header, name))
    entries += sum(_u32(header, at + (8 if header[at : at + 1] == b"\0" else 12)) for at in _places(header, b"sbgp"))
    edits = sum(_edits(header, at) for at in _places(header, b"elst"))
    return _Track(listed, uniform, entries, max(0, edits - 1), _pieces(header))


def _pieces(header: bytes) -> int | None:
    """Of how many pieces libav makes raw sound; ``None`` of a track whose samples it lists one by one."""
    handlers = {header[at + 8 : at + 12] for at in _places(header, b"hdlr")}
    times, sizes, runs = (list(_places(header, name)) for name in (b"stts", b"stsz", b"stsc"))
    is_raw = b"soun" in handlers and handlers <= _SOUND_HANDLERS and len(times) == len(sizes) == len(runs) == 1
    if not is_raw or _u32(header, times[0] + 4) != 1 or _u32(header, times[0] + 12) != 1:
        return None
    chunks = sum(_u32(header, at + 4) for name in (b"stco", b"co64") for at in _places(header, name))
    begin = runs[0] + 8
    count = min(_u32(header, runs[0] + 4), chunks, (len(header) - begin) // 12)
    found: list[tuple[int, int, int]] = list(struct.iter_unpack(">III", header[begin : begin + max(0, count) * 12]))
    ends = [first for first, _, _ in found[1:]] + [chunks + 1]
    return chunks + sum(
        max(0, min(end, chunks + 1) - first) * (samples // _SHORTEST_PIECE + 1)
        for (first, samples, _), end in zip(found, ends, strict=True)
    )


def _edits(header: bytes, at: int) -> int:
    """How many of an edit list's entries show something, from the place after its name."""
    wide = header[at : at + 1] == b"\1"
    entry = struct.Struct(">QqI" if wide else ">IiI")
    count = min(_u32(header, at + 4), (len(header) - at - 8) // entry.size)
    return sum(entry.unpack_from(header, at + 8 + k * entry.size)[1] >= 0 for k in range(max(0, count)))


def _places(header: bytes, name: bytes) -> Iterator[int]:
    """Where the contents of the boxes of that name begin: four bytes of version and flags, mostly."""
    at = header.find(name)
    while at >= 0:
        yield at + 4
        at = header.find(name, at + 4)


def _u32(header: bytes, at: int) -> int:
    return int.from_bytes(header[at : at + 4], "big")


def _u16(header: bytes, at: int) -> int:
    return int.from_bytes(header[at : at + 2], "big")


def _check_count(count: int, most: int) -> None:
    if count > most:
        raise CorruptMedia("The clip's index announces more samples than the file can hold; send another copy.")


def _too_large() -> TooLarge:
    bound = MOST_BYTES // 1024**2
    return TooLarge(
        "max_index_bytes", MOST_BYTES, f"The clip's index takes over {bound} MiB; send it in shorter parts."
    )
