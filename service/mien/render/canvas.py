"""Rectangles and text on pixel arrays, ``uint8 [h, w, 3]`` BGR, drawn in place."""

import math

import cv2

from mien.domain import Box, U8Array
from mien.render.palette import Bgr

REGULAR, MEDIUM, BOLD = 400, 500, 600
"""Font weights."""

# Built into OpenCV: the same on every machine, and nothing to import.
_FONT = "sans"

Rectangle = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels; right and bottom are exclusive."""


def scaled(box: Box, scale_x: float, scale_y: float) -> Box:
    """``box`` in a picture that is ``scale_x`` times as wide and ``scale_y`` times as high."""
    return Box(box.x * scale_x, box.y * scale_y, box.width * scale_x, box.height * scale_y)


def pixel_rectangle(box: Box, width: int, height: int) -> Rectangle:
    """The whole pixels that ``box`` touches in a picture of ``width`` x ``height``."""
    left, top = max(0, math.floor(box.x)), max(0, math.floor(box.y))
    right, bottom = min(width, math.ceil(box.x + box.width)), min(height, math.ceil(box.y + box.height))
    return left, top, right, bottom


def is_empty(rectangle: Rectangle) -> bool:
    """Whether it contains no pixel."""
    return rectangle[2] <= rectangle[0] or rectangle[3] <= rectangle[1]


def shared_area(one: Rectangle, other: Rectangle) -> int:
    """The number of pixels that two rectangles share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0


def draw_outline(canvas: U8Array, rectangle: Rectangle, line: int, colour: Bgr) -> None:
    """The outermost ``line`` pixels of ``rectangle``, clipped to the picture."""
    left, top, right, bottom = (max(0, side) for side in rectangle)
    canvas[top : top + line, left:right] = colour
    canvas[max(top, bottom - line) : bottom, left:right] = colour
    canvas[top:bottom, left : left + line] = colour
    canvas[top:bottom, max(left, right - line) : right] = colour


def draw_text(
    canvas: U8Array, text: str, origin: tuple[int, int], size: int, colour: Bgr, *, weight: int = REGULAR
) -> None:
    """``text`` in letters of ``size`` pixels; its baseline starts at ``origin``."""
    cv2.putText(canvas, text, origin, colour, cv2.FontFace(_FONT), size, weight)


def text_size(text: str, size: int, weight: int = REGULAR) -> tuple[int, int]:
    """Width and height in pixels of ``text`` in letters of ``size`` pixels."""
    _, _, width, height = cv2.getTextSize((0, 0), text, (0, 0), cv2.FontFace(_FONT), size, weight)
    return int(width), int(height)
