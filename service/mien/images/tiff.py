"""TIFF: its header, and decoding by OpenCV for the kinds that Pillow reads wrongly or not at all.

Those are several channels of 16 bits, of which Pillow keeps the high byte; floats, which it knows in grey only; and
16 bits with zero as white, which it leaves as a negative. If such channels are stored plane by plane, both libraries
silently mix up the planes, so those files are refused.
"""

import io
import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from mien.errors import UnsupportedMedia
from mien.images.pixel_formats import scale_to_eight_bit

_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _SAMPLES = 256, 257, 258, 262, 277
_PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _SAMPLE_FORMAT = 284, 322, 323, 339
_WHITE_IS_ZERO, _CMYK = 0, 5
_BY_PLANE = 2
_FLOAT = 3
_BIG_TIFF = 43
_TO_RGB = {3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}  # by the number of channels


@dataclass(frozen=True, slots=True)
class TiffHeader:
    """The first page's stored size and that of its tiles (1 x 1 if it has none), in pixels.

    ``is_deep``: to be decoded by ``read_deep_tiff``, not by Pillow. ``pixel_bytes``: of all samples of a pixel.
    """

    size: tuple[int, int]
    tile: tuple[int, int]
    is_deep: bool
    pixel_bytes: int

    @property
    def decoded_pixels(self) -> int:
        """The larger of picture and tile: a tile is decoded as a whole."""
        return max(math.prod(self.size), math.prod(self.tile))


def read_tiff_header(data: bytes) -> TiffHeader:
    """Read what is needed before any pixel is decoded.

    Raises:
        UnsupportedMedia: neither library would read it well.
        ValueError, KeyError, TypeError, SyntaxError: it is broken.
    """
    tags = _first_page(data)
    samples, bits = max(_numbers(tags, _SAMPLES)), max(_numbers(tags, _BITS))
    is_float = _FLOAT in _numbers(tags, _SAMPLE_FORMAT)
    is_cmyk = _CMYK in _numbers(tags, _PHOTOMETRIC)
    is_inverted = _is_white_at_zero(tags)
    is_deep = bits > 8 and (is_float or is_inverted or samples > 1) and not is_cmyk
    if is_deep and samples > 1 and _BY_PLANE in _numbers(tags, _PLANAR):
        raise UnsupportedMedia("a TIFF of more than 8 bits stored plane by plane is not read; save it interleaved")
    # Inverting takes the highest value: floats have none, and other depths are decoded into a wider type.
    if is_deep and is_inverted and (is_float or bits != 16):
        raise UnsupportedMedia(
            "a TIFF with zero as white is read with up to 8 or with 16 bits a sample; save it with zero as black"
        )
    tile = max(_numbers(tags, _TILE_WIDTH)), max(_numbers(tags, _TILE_HEIGHT))
    return TiffHeader((tags[_WIDTH], tags[_HEIGHT]), tile, is_deep, samples * (-(-bits // 8)))


def read_deep_tiff(data: bytes) -> Image.Image:
    """Decode the first page to mode L, RGB or RGBA, upright: OpenCV rotates TIFFs whatever its flags say.

    Raises:
        UnsupportedMedia: floats are outside 0..1.
        ValueError: it cannot be decoded.
    """
    samples = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None:
        raise ValueError("OpenCV cannot decode this TIFF")
    scaled = scale_to_eight_bit(samples)
    # Grey with transparency comes in 8 bits: libtiff has already inverted it.
    if samples.dtype == np.uint16 and _is_white_at_zero(_first_page(data)):
        scaled = np.asarray(cv2.bitwise_not(scaled), dtype=np.uint8)
    if scaled.ndim == 3 and scaled.shape[2] in _TO_RGB:
        scaled = np.asarray(cv2.cvtColor(scaled, _TO_RGB[scaled.shape[2]]), dtype=np.uint8)
    return Image.fromarray(scaled)


def _first_page(data: bytes) -> ImageFileDirectory_v2:
    tags = ImageFileDirectory_v2(data[: 16 if data[2] == _BIG_TIFF else 8])
    start = tags.next
    _check_unique(data, start)
    file = io.BytesIO(data)
    file.seek(start)
    tags.load(file)
    return tags


def _check_unique(data: bytes, start: int) -> None:
    """Refuse a directory (at ``start``) that has a tag twice: one size would be checked, and another one decoded."""
    order: Literal["little", "big"] = "little" if data.startswith(b"II") else "big"
    count_size, entry_size = (8, 20) if data[2] == _BIG_TIFF else (2, 12)
    first = start + count_size
    count = int.from_bytes(data[start:first], order)
    tags = [data[entry : entry + 2] for entry in range(first, min(first + count * entry_size, len(data)), entry_size)]
    if len(set(tags)) < len(tags):
        raise ValueError("a tag is given twice")


def _is_white_at_zero(tags: ImageFileDirectory_v2) -> bool:
    return _WHITE_IS_ZERO in _numbers(tags, _PHOTOMETRIC)


def _numbers(tags: ImageFileDirectory_v2, tag: int) -> tuple[int, ...]:
    """The values of ``tag``, or 1, which is the standard's default for all tags that are read here."""
    value = tags.get(tag, 1)
    return value if isinstance(value, tuple) else (value,)
