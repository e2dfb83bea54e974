"""Boxes of the full picture, moved to the pixels that are drawn on."""

import math

from mien.domain import Box

Rectangle = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels; right and bottom are exclusive."""


def scaled(box: Box, scale_x: float, scale_y: float) -> Box:
    """``box`` in the pixels of a picture that is ``scale_x`` times as wide and ``scale_y`` times as high."""
    return Box(box.x * scale_x, box.y * scale_y, box.width * scale_x, box.height * scale_y)


def pixel_rectangle(box: Box, width: int, height: int) -> Rectangle:
    """The whole pixels that ``box`` touches in a picture of ``width`` x ``height``."""
    left, top = max(0, math.floor(box.x)), max(0, math.floor(box.y))
    right, bottom = min(width, math.ceil(box.x + box.width)), min(height, math.ceil(box.y + box.height))
    return left, top, right, bottom


def is_empty(rectangle: Rectangle) -> bool:
    """Whether there is no pixel in it."""
    return rectangle[2] <= rectangle[0] or rectangle[3] <= rectangle[1]


def shared_area(one: Rectangle, other: Rectangle) -> int:
    """The number of pixels that two rectangles share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0
