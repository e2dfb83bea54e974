"""TIFF: its header, and through OpenCV the kinds that Pillow reads wrongly or not at all.

Those are several channels of 16 bits, of which Pillow keeps the high byte, floats, which it knows in grey only, and
16 bits that are white at zero, which it leaves as a negative. Where such channels are stored plane by plane, both
libraries silently mix the planes up, so that those files are refused.
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


@dataclass(frozen=True, slots=True)
class TiffHeader:
    """The first page's stored size and that of its tiles (1 x 1 where it has none), in pixels.

    ``is_deep`` where it is for ``read_deep_tiff``, and not for Pillow; ``pixel_bytes`` are those of all samples of a
    pixel.
    """

    size: tuple[int, int]
    tile: tuple[int, int]
    is_deep: bool
    pixel_bytes: int

    @property
    def decoded_pixels(self) -> int:
        """Those of the picture, or of a tile where that is larger: a tile is decoded as a whole."""
        return max(math.prod(self.size), math.prod(self.tile))


def read_tiff_header(data: bytes) -> TiffHeader:
    """Read what is needed before any pixel is decoded.

    Raises:
        UnsupportedMedia: when neither library would read it well.
        ValueError, KeyError, TypeError, SyntaxError: when it is broken.
    """
    tags = _first_page(data)
    samples, bits = max(_numbers(tags, _SAMPLES)), max(_numbers(tags, _BITS))
    is_float = _FLOAT in _numbers(tags, _SAMPLE_FORMAT)
    is_cmyk = _CMYK in _numbers(tags, _PHOTOMETRIC)
    is_inverted = _is_white_at_zero(tags)
    is_deep = bits > 8 and (is_float or is_inverted or samples > 1) and not is_cmyk
    if is_deep and samples > 1 and _BY_PLANE in _numbers(tags, _PLANAR):
        raise UnsupportedMedia("a TIFF of more than 8 bits stored plane by plane is not read; save it interleaved")
    # Black is the highest value there is: floats have none, and other depths come without a word of theirs.
    if is_deep and is_inverted and (is_float or bits != 16):
        raise UnsupportedMedia(
            "a TIFF in which zero is white is read with up to 8 or with 16 bits a sample; save it with zero as black"
        )
    tile = max(_numbers(tags, _TILE_WIDTH)), max(_numbers(tags, _TILE_HEIGHT))
    return TiffHeader((tags[_WIDTH], tags[_HEIGHT]), tile, is_deep, samples * (-(-bits // 8)))


def read_deep_tiff(data: bytes) -> Image.Image:
    """Decode the first page to mode L, RGB or RGBA, upright: OpenCV turns TIFFs whatever its flags say.

    Raises:
        UnsupportedMedia: when floats leave the range 0..1.
        ValueError: when it cannot be decoded.
    """
    samples = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None:
        raise ValueError("OpenCV cannot decode this TIFF")
    scaled = scale_to_eight_bit(samples)
    channels = 1 if scaled.ndim == 2 else scaled.shape[2]
    # Grey with transparency comes in 8 bits: libtiff has converted it, and knows of white at zero.
    if samples.dtype == np.uint16 and _is_white_at_zero(_first_page(data)):
        scaled = np.asarray(cv2.bitwise_not(scaled), dtype=np.uint8)
    if channels == 3:
        scaled = np.asarray(cv2.cvtColor(scaled, cv2.COLOR_BGR2RGB), dtype=np.uint8)
    elif channels == 4:
        scaled = np.asarray(cv2.cvtColor(scaled, cv2.COLOR_BGRA2RGBA), dtype=np.uint8)
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
    """Refuse a directory (at ``start``) that gives a tag twice: what is checked here could be the one size, and what
    a library decodes the other."""
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
    """The values of ``tag``; 1, the standard's default for all that are asked for here, where it has none."""
    value = tags.get(tag, 1)
    return value if isinstance(value, tuple) else (value,)
