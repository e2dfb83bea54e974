"""EXIF orientation: which way up the picture was stored, and turning it upright."""

import struct

import cv2
import numpy as np
from PIL import ExifTags, Image

from mien.domain import Box, U8Array

UPRIGHT = 1
_SIDEWAYS = frozenset({5, 6, 7, 8})

# How the stored picture becomes upright: an optional mirror (OpenCV's flip code), then an optional turn.
_MIRROR_AND_TURN: dict[int, tuple[int | None, int | None]] = {
    1: (None, None),
    2: (1, None),
    3: (None, cv2.ROTATE_180),
    4: (0, None),
    5: (1, cv2.ROTATE_90_COUNTERCLOCKWISE),
    6: (None, cv2.ROTATE_90_CLOCKWISE),
    7: (1, cv2.ROTATE_90_CLOCKWISE),
    8: (None, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


_EXIF_BLOCKS = ("exif", "Raw profile type exif")
"""Where Pillow's readers leave it; the second is a PNG's, as ImageMagick wrote it before there was a chunk for it."""


def read_orientation(image: Image.Image) -> int:
    """The EXIF orientation (1 to 8) that is still to be applied to a loaded ``image``; 1 where it is unreadable.

    The containers of HEIC and AVIF carry their own turn. libheif has applied HEIC's and pillow-heif then resets the
    tag; Pillow translates AVIF's to the tag; and Pillow turns TIFF itself. In all cases the tag tells what is left.
    """
    # Asked directly, Pillow would go by XMP where EXIF says nothing, which no browser does.
    exif_only = Image.new("1", (1, 1))
    exif_only.info = {name: image.info[name] for name in _EXIF_BLOCKS if name in image.info}
    try:
        value = exif_only.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    except (SyntaxError, ValueError, KeyError, TypeError, EOFError, OSError, struct.error):
        # A picture with a broken EXIF block is still a picture.
        return UPRIGHT
    return value if isinstance(value, int) and value in _MIRROR_AND_TURN else UPRIGHT


def upright_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Width and height after ``upright``."""
    return (height, width) if orientation in _SIDEWAYS else (width, height)


def upright_box(box: Box, width: int, height: int, orientation: int) -> Box:
    """Where a ``box`` of a stored picture of ``width`` x ``height`` pixels lies after ``upright``."""
    left, top = box.x, box.y
    right, bottom = width - box.x - box.width, height - box.y - box.height  # distances from the far sides
    if orientation in {2, 3, 7, 8}:
        left, right = right, left
    if orientation in {3, 4, 6, 7}:
        top, bottom = bottom, top
    if orientation in _SIDEWAYS:
        return Box(top, left, box.height, box.width)
    return Box(left, top, box.width, box.height)


def upright(pixels: U8Array, orientation: int) -> U8Array:
    """Turn ``pixels``, ``uint8 [h, w, 3]``, by an EXIF ``orientation`` (1 to 8)."""
    mirror, turn = _MIRROR_AND_TURN[orientation]
    if mirror is not None:
        pixels = np.asarray(cv2.flip(pixels, mirror), dtype=np.uint8)
    if turn is not None:
        pixels = np.asarray(cv2.rotate(pixels, turn), dtype=np.uint8)
    return pixels
