"""Boxes of the full picture, moved to the pixels that are drawn on."""

import math

import numpy as np
from numpy.typing import NDArray

from service.domain import Box

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


def shared_area(one: Rectangle, others: NDArray[np.int64]) -> int:
    """The number of pixels that ``one`` shares with each of ``others``, ``int64 [n, 4]``, summed."""
    low = np.maximum(others[:, :2], one[:2])
    high = np.minimum(others[:, 2:], one[2:])
    return int(np.clip(high - low, 0, None).prod(axis=1).sum())
