"""An upper bound on what libav would allocate for the index of an MP4 or MOV, before libav opens the file.

A few bytes there can declare any number of samples, and libav allocates memory for them before it reads one: 2 KB took
4 GiB. See ISO/IEC 14496-12, 8.6 to 8.8, for the boxes, and libavformat/mov.c for what libav does with them.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO, NamedTuple

from mien.errors import CorruptMedia, TooLarge, UnsupportedMedia
from mien.video.source import ClipSource

MAX_BYTES = 256 * 1024 * 1024
"""Memory for an index. Four hours of 60 frames per second with sound take half of it."""

_MAX_HEADER = 64 * 1024 * 1024
_MAX_BOXES = 500_000

# Bytes that libav keeps, measured: per sample (its offset, size, time and key flag, twice while edits are applied), per
# packet of raw sound, per entry of any table, per fragment of each track, and per item of a still picture.
_SAMPLE = 80
_RAW_PACKET = 24
_ENTRY = 16
_FRAGMENT = 64
_ITEM = 256
_MIN_RAW_PACKET = 160  # samples of raw sound that libav puts into one packet, at least

# Top-level boxes that libav searches for others; it accepts any of them in any of these.
_CONTAINERS = frozenset(
    {
        *(b"moov", b"moof", b"hoov", b"trak", b"mdia", b"minf", b"stbl", b"traf", b"mvex", b"edts", b"udta", b"meta"),
        *(b"dinf", b"clip", b"gmhd", b"wave", b"sinf", b"schi", b"iprp", b"cmov", b"stsd", b"tref"),
    }
)
_TABLES = (b"stts", b"ctts", b"stsc", b"stco", b"co64", b"stss", b"stps")
_RELEVANT = _CONTAINERS.union(_TABLES, (b"sidx", b"stsz", b"stz2", b"elst"))
# The handlers of a track of raw sound: sound, and how QuickTime reaches its data.
_SOUND_HANDLERS = frozenset((b"soun", b"alis", b"url ", b"rsrc", bytes(4)))
_FRAGMENT_SIZES = 0x200  # flag of ``trun``: each sample's size is given


def check_index(source: ClipSource) -> None:
    """Refuse ``source`` if it is an MP4 or MOV and its index would take more than ``MAX_BYTES``.

    Boxes are not followed but searched for by name, so that none is missed that libav would find: it reads most of them
    wherever they are.

    Raises:
        CorruptMedia: it declares more samples than the file can hold.
        TooLarge: it is consistent, but too large.
        UnsupportedMedia: the clip is encrypted.
    """
    with source.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        total = tracks = fragments = 0
        for name, header in _headers(file, size):
            if name == b"sidx":
                at = 22 if header[:1] == b"\0" else 30
                fragments += int.from_bytes(header[at : at + 2])
                continue
            fragments += name == b"moof"
            tracks += header.count(b"trak")
            total += _cost(header, size)
            if total + fragments * tracks * _FRAGMENT > MAX_BYTES:
                raise _too_large()


def _headers(file: BinaryIO, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Name and content, decompressed, of the relevant boxes at the top level of the file."""
    at = 0
    for _ in range(_MAX_BOXES):
        file.seek(at)
        head = file.read(24)
        if len(head) < 8:
            return
        length, name = struct.unpack(">I4s", head[:8])
        body = 8
        if length == 1:
            length, body = struct.unpack(">Q", head[8:16].rjust(8, b"\0"))[0], 16
        if length == 0 or at + length > size:
            length = size - at
        if length < body:
            return
        is_disguised = name in {b"free", b"hoov"} and head[body + 4 : body + 8] in {b"mvhd", b"cmov"}
        if name in _RELEVANT or is_disguised:
            if length > _MAX_HEADER:
                raise _too_large()
            # With its own name, which may itself be searched for.
            skipped = body if name == b"sidx" else 0
            file.seek(at + skipped)
            yield name, _decompressed(file.read(length - skipped))
        at += length
    raise TooLarge("max_boxes", _MAX_BOXES, "The clip is written in too many pieces; send it re-encoded or rewritten.")


def _decompressed(header: bytes) -> bytes:
    """``header``, with what it holds in compressed form appended."""
    at = header.find(b"cmvd")
    if at < 0:
        return header
    if _u32(header, at + 4) > _MAX_HEADER:
        raise _too_large()
    try:
        return header + zlib.decompressobj().decompress(header[at + 8 :], _MAX_HEADER)
    except zlib.error:
        return header


def _cost(header: bytes, size: int) -> int:
    """Bytes that libav would allocate for what ``header`` declares in a file of ``size`` bytes."""
    if b"tenc" in header and b"schm" in header:
        raise UnsupportedMedia("The clip is encrypted and cannot be read; send it without copy protection.")
    starts = [0, *_contents(header, b"trak"), len(header)]
    total = sum(_track(header[begin:end]).cost(size) for begin, end in pairwise(starts))
    for at in _contents(header, b"trun"):
        flags, count = _u32(header, at) & 0xFFFFFF, _u32(header, at + 4)
        _check_count(count, size if flags & _FRAGMENT_SIZES == 0 else size // 4)
        total += count * _SAMPLE
    for name, place in ((b"iinf", 4), (b"iloc", 6)):
        total += sum(_u32(header, at + place) * _ITEM for at in _contents(header, name) if header[at : at + 1] != b"\0")
    return total


class _Track(NamedTuple):
    """What one track declares: samples listed with their size, samples of one common size, entries of its tables,
    edits after the first, and packets if it is raw sound (else ``None``)."""

    listed: int
    uniform: int
    entries: int
    edits: int
    raw_packets: int | None

    def cost(self, size: int) -> int:
        """Bytes that libav would allocate."""
        _check_count(self.listed, size)  # an entry takes at least half a byte, and its sample another
        _check_count(self.entries, size // 4)
        samples = self.listed
        if self.raw_packets is None:
            _check_count(self.uniform, size)  # of at least a byte each
            samples += self.uniform
        return (self.raw_packets or 0) * _RAW_PACKET + samples * _SAMPLE * (1 + self.edits) + self.entries * _ENTRY


def _track(header: bytes) -> _Track:
    listed = uniform = 0
    for at in _contents(header, b"stsz"):
        if _u32(header, at + 4):
            uniform += _u32(header, at + 8)
        else:
            listed += _u32(header, at + 8)
    listed += sum(_u32(header, at + 8) for at in _contents(header, b"stz2"))
    entries = sum(_u32(header, at + 4) for name in _TABLES for at in _contents(header, name))
    entries += sum(_u32(header, at + (8 if header[at : at + 1] == b"\0" else 12)) for at in _contents(header, b"sbgp"))
    edits = sum(_edits(header, at) for at in _contents(header, b"elst"))
    return _Track(listed, uniform, entries, max(0, edits - 1), _raw_packets(header))


def _raw_packets(header: bytes) -> int | None:
    """How many packets libav makes of raw sound; ``None`` for a track whose samples it lists one by one."""
    handlers = {header[at + 8 : at + 12] for at in _contents(header, b"hdlr")}
    times, sizes, runs = (list(_contents(header, name)) for name in (b"stts", b"stsz", b"stsc"))
    is_raw = b"soun" in handlers and handlers <= _SOUND_HANDLERS and len(times) == len(sizes) == len(runs) == 1
    if not is_raw or _u32(header, times[0] + 4) != 1 or _u32(header, times[0] + 12) != 1:
        return None
    chunks = sum(_u32(header, at + 4) for name in (b"stco", b"co64") for at in _contents(header, name))
    begin = runs[0] + 8
    count = min(_u32(header, runs[0] + 4), chunks, (len(header) - begin) // 12)
    found: list[tuple[int, int, int]] = list(struct.iter_unpack(">III", header[begin : begin + max(0, count) * 12]))
    if not found:
        return chunks
    ends = [first for first, _, _ in found[1:]] + [chunks + 1]
    return chunks + sum(
        max(0, min(end, chunks + 1) - first) * (samples // _MIN_RAW_PACKET + 1)
        for (first, samples, _), end in zip(found, ends, strict=True)
    )


def _edits(header: bytes, at: int) -> int:
    """How many entries of the edit list whose content begins at ``at`` show something."""
    wide = header[at : at + 1] == b"\1"
    entry = struct.Struct(">QqI" if wide else ">IiI")
    count = min(_u32(header, at + 4), (len(header) - at - 8) // entry.size)
    return sum(entry.unpack_from(header, at + 8 + k * entry.size)[1] >= 0 for k in range(max(0, count)))


def _contents(header: bytes, name: bytes) -> Iterator[int]:
    """Where the contents of the boxes of that name begin, mostly with four bytes of version and flags."""
    at = header.find(name)
    while at >= 0:
        yield at + 4
        at = header.find(name, at + 4)


def _u32(header: bytes, at: int) -> int:
    return int.from_bytes(header[at : at + 4])


def _check_count(count: int, possible: int) -> None:
    if count > possible:
        raise CorruptMedia("The clip's index declares more samples than the file can hold; send another copy.")


def _too_large() -> TooLarge:
    message = f"The clip's index takes over {MAX_BYTES // 1024**2} MiB; send it in shorter parts."
    return TooLarge("max_index_bytes", MAX_BYTES, message)
