"""TIFF: its header, and through OpenCV the kinds that Pillow reads wrongly or not at all.

Those are several channels of 16 bits, of which Pillow keeps the high byte, and floats, which it knows in grey only.
Where such channels are stored plane by plane, both libraries silently mix the planes up, so that those files are
refused.
"""

import io
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from service.errors import UnsupportedMedia
from service.media.samples import scale_to_eight_bit

_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _SAMPLES = 256, 257, 258, 262, 277
_PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _SAMPLE_FORMAT = 284, 322, 323, 339
_CMYK = 5
_BY_PLANE = 2
_FLOAT = 3
_BIG_TIFF = 43


@dataclass(frozen=True, slots=True)
class TiffHeader:
    """The first page's stored size and that of its tiles (1 x 1 where it has none), in pixels.

    ``is_deep`` where it is for ``read_deep_tiff``, and not for Pillow.
    """

    size: tuple[int, int]
    tile: tuple[int, int]
    is_deep: bool


def read_tiff_header(data: bytes) -> TiffHeader:
    """Read what is needed before any pixel is decoded.

    Raises:
        UnsupportedMedia: when neither library would read it well.
        ValueError, KeyError, TypeError, SyntaxError: when it is broken.
    """
    tags = ImageFileDirectory_v2(data[: 16 if data[2] == _BIG_TIFF else 8])
    start = tags.next
    _check_unique(data, start)
    file = io.BytesIO(data)
    file.seek(start)
    tags.load(file)
    samples = max(_numbers(tags, _SAMPLES))
    is_float = _FLOAT in _numbers(tags, _SAMPLE_FORMAT)
    is_cmyk = _CMYK in _numbers(tags, _PHOTOMETRIC)
    is_deep = max(_numbers(tags, _BITS)) > 8 and (is_float or samples > 1) and not is_cmyk
    if is_deep and samples > 1 and _BY_PLANE in _numbers(tags, _PLANAR):
        raise UnsupportedMedia("a TIFF of more than 8 bits stored plane by plane is not read; save it interleaved")
    tile = max(_numbers(tags, _TILE_WIDTH)), max(_numbers(tags, _TILE_HEIGHT))
    return TiffHeader((tags[_WIDTH], tags[_HEIGHT]), tile, is_deep)


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
    if channels == 3:
        scaled = np.asarray(cv2.cvtColor(scaled, cv2.COLOR_BGR2RGB), dtype=np.uint8)
    elif channels == 4:
        scaled = np.asarray(cv2.cvtColor(scaled, cv2.COLOR_BGRA2RGBA), dtype=np.uint8)
    return Image.fromarray(scaled)


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


def _numbers(tags: ImageFileDirectory_v2, tag: int) -> tuple[int, ...]:
    """The values of ``tag``; 1, the standard's default for all that are asked for here, where it has none."""
    value = tags.get(tag, 1)
    return value if isinstance(value, tuple) else (value,)
