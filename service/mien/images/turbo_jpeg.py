"""Ordinary JPEG files straight to BGR by libjpeg-turbo, without the copies that Pillow makes on the way."""

import simplejpeg

from mien.domain import U8Array
from mien.images.pixel_formats import Allocate, new_pixels

_MODES = frozenset({"L", "RGB"})  # of Pillow; CMYK needs a conversion


def reads(mode: str, keeps_coefficients: bool) -> bool:
    """Whether ``decode`` is for such a file: of this Pillow ``mode``, and decoded row by row.

    Nothing ends a decode before its time. Row by row it takes 2 ms per megapixel; what keeps all coefficients until the
    last scan may take a hundred times as long, and Pillow lets it be interrupted.
    """
    return mode in _MODES and not keeps_coefficients


def decode(data: bytes, size: tuple[int, int], allocate: Allocate = new_pixels) -> U8Array | None:
    """The whole picture, reduced to the smallest of libjpeg's sizes that has ``size`` (width, height): the same pixels
    as Pillow's, ``uint8 [h, w, 3]`` BGR, in an array from ``allocate``.

    ``None`` if there is anything wrong with the file: only Pillow tells which rows are sound.
    """
    width, height = size
    pixels = allocate((height, width, 3))
    try:
        decoded = simplejpeg.decode_jpeg(data, "BGR", min_width=width, min_height=height, buffer=pixels, strict=True)
    except ValueError:  # also if the array is too small: the sizes are not those of the header that Pillow read
        return None
    return pixels if decoded.shape == pixels.shape else None
