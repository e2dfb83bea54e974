"""TIFFs that Pillow reads wrongly or not at all, through OpenCV: several channels of 16 bits, and floats.

Pillow keeps the high byte of such channels and knows floats in grey only. Where they are stored plane by plane, both
libraries silently mix the planes up, so that those files are refused.
"""

import io
from typing import Literal

import cv2
import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from service.errors import UnsupportedMedia
from service.media.samples import scale_to_eight_bit

_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC = 256, 257, 258, 262
_SAMPLES, _PLANAR, _SAMPLE_FORMAT = 277, 284, 339
_CMYK = 5
_BY_PLANE = 2
_FLOAT = 3
_BIG_TIFF = 43


def deep_tiff_size(data: bytes) -> tuple[int, int] | None:
    """Stored width and height of a TIFF that Pillow would not read well; ``None`` for all others.

    Raises:
        UnsupportedMedia: when neither library would read it well.
        ValueError: when its header contradicts itself.
    """
    tags = ImageFileDirectory_v2(data[: 16 if data[2] == _BIG_TIFF else 8])
    start = tags.next
    file = io.BytesIO(data)
    file.seek(start)
    tags.load(file)
    bits = max(_numbers(tags, _BITS))
    samples = max(_numbers(tags, _SAMPLES))
    is_float = _FLOAT in _numbers(tags, _SAMPLE_FORMAT)
    is_cmyk = _CMYK in _numbers(tags, _PHOTOMETRIC)
    if bits <= 8 or is_cmyk or not (is_float or samples > 1):
        return None
    if samples > 1 and _BY_PLANE in _numbers(tags, _PLANAR):
        raise UnsupportedMedia("a TIFF of more than 8 bits stored plane by plane is not read; save it interleaved")
    _check_unique(data, start)
    return tags[_WIDTH], tags[_HEIGHT]


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
    """Refuse a directory (at ``start``) that gives a tag twice: one library could take the first size and check it,
    and the other decode the second."""
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
