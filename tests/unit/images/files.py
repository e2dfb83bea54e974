"""Picture files made for the tests, in every format."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pillow_heif
from PIL import ExifTags, Image
from skimage.data import astronaut

from mien.domain import U8Array
from mien.images.decoder import PictureDecoder
from mien.images.limits import DecodeLimits

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "HEIF")
WITH_EXIF = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF")


def decoder(limits: DecodeLimits | None = None, concurrency: int = 2) -> PictureDecoder:
    return PictureDecoder(limits or DecodeLimits(), concurrency)


def save(image: Image.Image, picture_format: str, orientation: int | None = None, **options: Any) -> bytes:
    """Encode, lossy formats at a quality that keeps flat colours within a level or two."""
    file = io.BytesIO()
    if orientation is not None:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        options["exif"] = exif.tobytes()
    if picture_format in {"JPEG", "WEBP", "AVIF", "HEIF"}:
        options.setdefault("quality", 95)
    if picture_format == "JPEG":
        options.setdefault("subsampling", 0)
    if picture_format == "HEIF":
        heif = pillow_heif.from_pillow(image)
        heif.save(file, **options)
    else:
        image.save(file, picture_format, **options)
    return file.getvalue()


def portrait(side: int = 256) -> Image.Image:
    return Image.fromarray(astronaut()).resize((side, side), Image.Resampling.LANCZOS)


def four_corners(width: int = 96, height: int = 64) -> U8Array:
    """Upright, RGB: red, green, blue and white quarters, in reading order."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = (255, 0, 0)
    picture[: height // 2, width // 2 :] = (0, 255, 0)
    picture[height // 2 :, : width // 2] = (0, 0, 255)
    picture[height // 2 :, width // 2 :] = (255, 255, 255)
    return picture


def stored_as(upright: U8Array, orientation: int) -> U8Array:
    """What a camera held in ``orientation`` stores of an upright picture, by the table in the EXIF standard."""
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    return np.ascontiguousarray(stored)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int) -> bytes:
    """A PNG that declares a size and has hardly any pixel data."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(b"\0" * 100))
