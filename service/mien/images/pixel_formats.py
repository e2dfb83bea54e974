"""Every way in which a file stores its samples, brought to BGR of 8 bits."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.domain import U8Array
from mien.errors import UnsupportedMedia
from mien.images.checked_file import no_check

_WHITE = (255, 255, 255, 255)
_STRIP_PIXELS = 1_000_000  # converted at a time: large pictures then have no second and third copy, and caches fit
_EIGHT_BIT_MODES = frozenset({"L", "RGB", "RGBA", "CMYK"})


def to_eight_bit(image: Image.Image) -> Image.Image:
    """A loaded picture of any mode as one of L, RGB, RGBA or CMYK.

    Raises:
        UnsupportedMedia: when the samples have no defined white (32-bit integers, or floats outside 0..1).
    """
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        return Image.fromarray(scale_to_eight_bit(np.asarray(image)))
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode in _EIGHT_BIT_MODES:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def to_bgr(image: Image.Image, check: Callable[[], None] = no_check) -> U8Array:
    """A picture of mode L, RGB, RGBA or CMYK as ``uint8 [h, w, 3]``. ``check`` is called at every megapixel.

    Transparency is laid on white, as browsers and viewers lay it, so that the models judge what a person sees. CMYK
    is converted without its colour profile: the models see shades of grey, and a profile costs more than the decode.
    """
    pixels = np.empty((image.height, image.width, 3), dtype=np.uint8)
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        check()
        bottom = min(top + rows, image.height)
        strip = image if rows >= image.height else image.crop((0, top, image.width, bottom))
        _strip_to_bgr(strip, pixels[top:bottom])
    return pixels


def _strip_to_bgr(strip: Image.Image, out: U8Array) -> None:
    if strip.mode == "RGBA":
        strip = Image.alpha_composite(Image.new("RGBA", strip.size, _WHITE), strip)
    if strip.mode == "L":
        cv2.cvtColor(np.asarray(strip), cv2.COLOR_GRAY2BGR, dst=out)
    else:
        cv2.cvtColor(np.asarray(strip.convert("RGB")), cv2.COLOR_RGB2BGR, dst=out)


def scale_to_eight_bit(samples: NDArray[np.generic]) -> U8Array:
    """Samples of any shape as ``uint8`` by the range of their type: 65,535 becomes 255, and so does 1.0.

    Raises:
        UnsupportedMedia: when that range is not known (other integers, or floats outside 0..1).
    """
    if samples.dtype == np.uint8:
        return samples.astype(np.uint8)
    if samples.dtype.newbyteorder("=") == np.uint16:
        return np.asarray(cv2.convertScaleAbs(samples.astype(np.uint16, copy=False), alpha=1 / 257), dtype=np.uint8)
    if samples.dtype.kind == "f":
        values = samples.astype(np.float32, copy=False)
        # Written so that it is false for NaN too.
        if values.min() >= 0.0 and values.max() <= 1.0:
            return np.asarray(cv2.convertScaleAbs(values, alpha=255), dtype=np.uint8)
        raise UnsupportedMedia("floating-point samples are read in the range 0 to 1 only; save it with 8 or 16 bits")
    raise UnsupportedMedia(f"samples of type {samples.dtype} are not read; save the picture with 8 or 16 bits a sample")
