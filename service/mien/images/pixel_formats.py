"""Every way in which a file stores its samples, brought to upright BGR of 8 bits."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.domain import Frame, U8Array
from mien.errors import CorruptMedia, UnsupportedMedia
from mien.images.orientation import Orientation

_WHITE = (255, 255, 255, 255)
_STRIP_PIXELS = 1_000_000  # converted at a time: fewer copies of large pictures at once, and caches fit
_EIGHT_BIT_MODES = frozenset({"L", "RGB", "RGBA", "CMYK"})
_FACTORS = (8, 4, 2)  # those of JPEG's own scaled decode, so that a picture is reduced alike in every format


Allocate = Callable[[tuple[int, ...]], U8Array]


def new_pixels(shape: tuple[int, ...]) -> U8Array:
    """Memory of this process."""
    return np.empty(shape, dtype=np.uint8)


def reduction_factor(width: int, height: int, min_side: int | None) -> int:
    """The largest of 8, 4, 2 and 1 that leaves ``min_side`` pixels on the long side; 1 for ``None``."""
    if min_side is None:
        return 1
    return next((factor for factor in _FACTORS if max(width, height) // factor >= min_side), 1)


def to_frame(
    image: Image.Image,
    orientation: Orientation,
    min_side: int | None,
    check: Callable[[], None],
    *,
    stored_size: tuple[int, int] | None = None,
    allocate: Allocate = new_pixels,
) -> Frame:
    """Reduce, composite, convert and rotate a loaded ``image``.

    ``stored_size`` is the picture's width and height in the file, if it was decoded at a reduced size. ``check`` is
    called at every megapixel. ``allocate`` makes the array for the pixels, given its shape.
    """
    width, height = orientation.upright_size(*(stored_size or image.size))
    check()
    image = _to_eight_bit(image)
    factor = reduction_factor(*image.size, min_side)
    if factor > 1:
        image = image.reduce(factor)
    return Frame(orientation.apply(_to_bgr(image, check, allocate)), width, height)


def scale_to_eight_bit(samples: NDArray[np.generic]) -> U8Array:
    """Samples of any shape as ``uint8`` by the range of their type: 65,535 becomes 255, and so does 1.0.

    Raises:
        UnsupportedMedia: that range is not known (other integers, or floats outside 0..1).
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
        raise UnsupportedMedia("floating-point samples must be in the range 0 to 1; save the picture with 8 or 16 bits")
    raise UnsupportedMedia(f"samples of type {samples.dtype} are not read; save the picture with 8 or 16 bits a sample")


def _to_eight_bit(image: Image.Image) -> Image.Image:
    """A loaded picture of any mode as one of L, RGB, RGBA or CMYK. Raises ``CorruptMedia``, if it lacks its palette."""
    if image.mode in {"P", "PA"} and image.palette is None:
        raise CorruptMedia("the picture refers to a palette that the file does not have; send it again or re-encode it")
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        return Image.fromarray(scale_to_eight_bit(np.asarray(image)))
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode in _EIGHT_BIT_MODES:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _to_bgr(image: Image.Image, check: Callable[[], None], allocate: Allocate) -> U8Array:
    """A picture of mode L, RGB, RGBA or CMYK as ``uint8 [h, w, 3]``.

    Transparency is composited on white, as browsers and viewers do, so that the models see what a person sees. CMYK
    is converted without its colour profile: the models see shades of grey, and a profile costs more than the decode.
    """
    pixels = allocate((image.height, image.width, 3))
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        check()
        bottom = min(top + rows, image.height)
        strip = image if rows >= image.height else image.crop((0, top, image.width, bottom))
        if strip.mode == "RGBA":
            strip = Image.alpha_composite(Image.new("RGBA", strip.size, _WHITE), strip)
        if strip.mode == "L":
            cv2.cvtColor(np.asarray(strip), cv2.COLOR_GRAY2BGR, dst=pixels[top:bottom])
        else:
            cv2.cvtColor(np.asarray(strip.convert("RGB")), cv2.COLOR_RGB2BGR, dst=pixels[top:bottom])
    return pixels
