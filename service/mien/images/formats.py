"""The format of a file, by its first bytes alone: not by its name or declared type."""

import re
from enum import StrEnum

from mien.errors import InvalidRequest, UnsupportedMedia


class PictureFormat(StrEnum):
    """The picture formats that Mien reads."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WebP"
    BMP = "BMP"
    GIF = "GIF"
    TIFF = "TIFF"
    AVIF = "AVIF"
    HEIC = "HEIC"


_SIGNATURES = (
    (b"\xff\xd8\xff", PictureFormat.JPEG),
    (b"\x89PNG\r\n\x1a\n", PictureFormat.PNG),
    (b"GIF87a", PictureFormat.GIF),
    (b"GIF89a", PictureFormat.GIF),
    (b"BM", PictureFormat.BMP),
    (b"II\x2a\x00", PictureFormat.TIFF),
    (b"MM\x00\x2a", PictureFormat.TIFF),
    (b"II\x2b\x00", PictureFormat.TIFF),
    (b"MM\x00\x2b", PictureFormat.TIFF),
)
# The marker that begins a JPEG, and one that may follow: an application's segment, a comment, a table or a frame.
_JPEG_START = re.compile(rb"\xff\xd8\xff[\xc0-\xc2\xc4\xdb\xdd\xe0-\xef\xfe]")
_MAX_BEFORE = 4096  # bytes before a JPEG's start, as mail, cameras and careless programs leave them
_DOCUMENTS = (b"%PDF", b"PK\x03\x04", b"\x1a\x45\xdf\xa3", b"RIFF", b"OggS", b"FLV")
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_FORMATS = ", ".join(PictureFormat)


def sniff(data: bytes) -> PictureFormat:
    """Name the format of ``data``.

    Raises:
        InvalidRequest: ``data`` is empty.
        UnsupportedMedia: it is in none of the formats.
    """
    if not data:
        raise InvalidRequest("the file is empty (0 bytes); send the picture's bytes")
    for signature, picture_format in _SIGNATURES:
        if data.startswith(signature):
            return picture_format
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return PictureFormat.WEBP
    if data[4:8] == b"ftyp":
        return _sniff_brands(data)
    if jpeg_start(data) > 0:
        return PictureFormat.JPEG
    raise UnsupportedMedia(f"this is not a picture in a format that is read ({_FORMATS})")


def jpeg_start(data: bytes) -> int:
    """How many other bytes (4,096 at most) come before the JPEG in ``data``; 0 if it holds none."""
    # A document may contain pictures, but is not one.
    found = None if data.startswith(_DOCUMENTS) else _JPEG_START.search(data, 0, _MAX_BEFORE + 4)
    return found.start() if found else 0


def _sniff_brands(data: bytes) -> PictureFormat:
    """AVIF, HEIC and clips share one container; the brands in its first box tell them apart."""
    length = min(int.from_bytes(data[:4]), 256)
    # The major brand, then (after the minor version) the compatible ones.
    brands = [data[8:12], *(data[i : i + 4] for i in range(16, length - 3, 4))]
    if not _AVIF_BRANDS.isdisjoint(brands):
        return PictureFormat.AVIF
    if not _HEIC_BRANDS.isdisjoint(brands):
        return PictureFormat.HEIC
    raise UnsupportedMedia(f"this looks like a clip, not a picture in a format that is read ({_FORMATS})")
