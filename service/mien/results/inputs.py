"""Pictures in every form in which Python programs hold them, as the bytes of a picture file."""

import os
from pathlib import Path
from typing import IO, Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mien.domain import U8Array
from mien.errors import InputError, InvalidOption
from mien.images.limits import DecodeLimits
from mien.images.pixel_formats import scale_to_eight_bit
from mien.usecases.analyze_image import PictureInput

Colour = Literal["rgb", "bgr"]
Picture = str | os.PathLike[str] | bytes | IO[bytes] | NDArray[Any] | Image.Image
"""What ``analyze`` takes: a path, a file's bytes, a binary file object, an array, or a Pillow image."""

LIMITS = DecodeLimits(max_bytes=512 << 20)
"""Of pictures in one's own program: what bounds the memory is the pixels; an array of the most has 250 MB."""

_CONVERSIONS = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}


def picture_input(picture: Picture, colour: Colour | None = None, *, small: bool = False) -> PictureInput:
    """The file of ``picture``.

    Args:
        picture: an array is ``[h, w]``, ``[h, w, 1]``, ``[h, w, 3]`` or ``[h, w, 4]`` of ``uint8``, ``uint16``, or
            floats from 0 to 1.
        colour: the order of an array's channels, which must be said for more than one.
        small: pixels are compressed for a network, without loss, instead of fast.

    Raises:
        InputError: the file cannot be read, or it is none of these things.
        InvalidOption: ``colour`` is missing or unknown.
    """
    if isinstance(picture, str | os.PathLike):
        path = Path(picture)
        try:
            return PictureInput(path.name, path.read_bytes())
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}") from error
    if isinstance(picture, bytes | bytearray | memoryview):
        return PictureInput(None, bytes(picture))
    if isinstance(picture, Image.Image):
        upright = ImageOps.exif_transpose(picture)
        mode = "RGBA" if upright.has_transparency_data else "RGB"
        return PictureInput(None, _file(np.asarray(upright.convert(mode)), "rgb", small))
    if hasattr(picture, "read"):
        name = getattr(picture, "name", None)
        return PictureInput(Path(name).name if isinstance(name, str) else None, picture.read())
    if hasattr(picture, "__array__"):
        return PictureInput(None, _file(np.asarray(picture), colour, small))
    raise InputError(f"a picture is a path, bytes, a binary file, an array or a PIL image, not {type(picture)}")


def readable_input(picture: Picture, colour: Colour | None, *, small: bool = False) -> PictureInput:
    """A picture of a list: one that cannot be read does not fail the others."""
    try:
        return picture_input(picture, colour, small=small)
    except InvalidOption:
        raise  # the same for all of them
    except InputError as error:
        name = Path(picture).name if isinstance(picture, str | os.PathLike) else None
        return PictureInput(name, error)


def content_of(picture: str | os.PathLike[str] | PictureInput) -> bytes:
    """The bytes of a picture's file. Raises ``InputError`` if it cannot be read."""
    given = picture if isinstance(picture, PictureInput) else picture_input(picture)
    if isinstance(given.content, InputError):
        raise given.content
    return given.content


def _file(pixels: NDArray[Any], colour: Colour | None, small: bool) -> bytes:
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.ndim not in (2, 3) or channels not in (1, 3, 4) or 0 in pixels.shape:
        raise InputError(f"an array of shape {pixels.shape} is not a picture; give [h, w], [h, w, 3] or [h, w, 4]")
    samples: U8Array = np.ascontiguousarray(scale_to_eight_bit(pixels))
    if channels > 1:
        if colour not in ("rgb", "bgr"):
            raise InvalidOption("colour", 'say colour="rgb" (Pillow, imageio) or colour="bgr" (OpenCV) with an array.')
        if colour == "rgb":
            samples = np.asarray(cv2.cvtColor(samples, _CONVERSIONS[channels]), dtype=np.uint8)
    # BMP costs a copy. Its transparency is read in different ways, PNG's in one.
    _, data = cv2.imencode(".png" if small or channels == 4 else ".bmp", samples)
    return data.tobytes()
