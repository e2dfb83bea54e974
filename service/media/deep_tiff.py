"""TIFFs that Pillow reads wrongly or not at all, through OpenCV: several channels of 16 bits, and floats.

Pillow keeps the high byte of such channels and knows floats in grey only. Where they are stored plane by plane, both
libraries silently mix the planes up, so that those files are refused.
"""

import io

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


def deep_tiff_size(data: bytes) -> tuple[int, int] | None:
    """Stored width and height of a TIFF that Pillow would not read well; ``None`` for all others.

    Raises:
        UnsupportedMedia: when neither library would read it well.
    """
    tags = _first_directory(data)
    bits = max(_numbers(tags, _BITS, 1))
    samples = _numbers(tags, _SAMPLES, 1)[0]
    is_float = _FLOAT in _numbers(tags, _SAMPLE_FORMAT, 1)
    is_cmyk = _CMYK in _numbers(tags, _PHOTOMETRIC, 0)
    if bits <= 8 or is_cmyk or not (is_float or samples > 1):
        return None
    if samples > 1 and _BY_PLANE in _numbers(tags, _PLANAR, 1):
        raise UnsupportedMedia("a TIFF of more than 8 bits stored plane by plane is not read; save it interleaved")
    return _numbers(tags, _WIDTH, 1)[0], _numbers(tags, _HEIGHT, 1)[0]


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


def _first_directory(data: bytes) -> ImageFileDirectory_v2:
    is_big = b"+" in data[2:4]
    tags = ImageFileDirectory_v2(data[: 16 if is_big else 8])
    file = io.BytesIO(data)
    file.seek(tags.next)
    tags.load(file)
    return tags


def _numbers(tags: ImageFileDirectory_v2, tag: int, default: int) -> tuple[int, ...]:
    value = tags.get(tag, default)
    values = value if isinstance(value, tuple) else (value,)
    return tuple(number for number in values if isinstance(number, int)) or (default,)
