"""Faces made unrecognisable: for good, and whatever their size."""

from collections.abc import Iterable

import cv2

from mien.domain import Box, U8Array
from mien.render.geometry import pixel_rectangle

BLOCKS = 5  # across the region, so some three across the face itself
GROW = 1.5  # the region beside the box: hair and ears tell people apart too


def redact(pixels: U8Array, boxes: Iterable[Box]) -> U8Array:
    """A copy of ``uint8 [h, w, 3]`` in which the surroundings of every box (in its pixels) are coarse blocks.

    The region of a box, ``GROW`` times its size, is averaged down to ``BLOCKS`` x ``BLOCKS`` colours and nothing else
    of it is kept: unlike a blur, no filter brings it back, and a large face keeps no more than a small one.
    """
    redacted = pixels.copy()
    height, width = pixels.shape[:2]
    for box in boxes:
        left, top, right, bottom = pixel_rectangle(_grown(box), width, height)
        if right <= left or bottom <= top:
            continue
        region = redacted[top:bottom, left:right]
        size = (right - left, bottom - top)
        coarse = cv2.resize(region, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA)
        redacted[top:bottom, left:right] = cv2.resize(coarse, size, interpolation=cv2.INTER_NEAREST)
    return redacted


def _grown(box: Box) -> Box:
    side_x, side_y = box.width * GROW, box.height * GROW
    return Box(box.x - (side_x - box.width) / 2, box.y - (side_y - box.height) / 2, side_x, side_y)
