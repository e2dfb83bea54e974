"""Redaction: faces made unrecognisable, irreversibly and whatever their size."""

from collections.abc import Iterable

import cv2

from mien.domain import Box, U8Array
from mien.render.canvas import is_empty, pixel_rectangle

BLOCKS = 5  # across the region, so about three across the face itself
GROW = 1.5  # region relative to the box: hair and ears identify people, too


def redact(pixels: U8Array, boxes: Iterable[Box]) -> U8Array:
    """A copy of ``uint8 [h, w, 3]`` in which the surroundings of every box (in its pixels) are coarse blocks.

    The region of a box, ``GROW`` times its size, is averaged down to ``BLOCKS`` x ``BLOCKS`` colours and nothing else
    is kept: unlike a blur it cannot be undone, and a large face keeps no more detail than a small one.
    """
    redacted = pixels.copy()
    height, width = pixels.shape[:2]
    for box in boxes:
        left, top, right, bottom = rectangle = pixel_rectangle(_grown(box), width, height)
        if is_empty(rectangle):
            continue
        region = redacted[top:bottom, left:right]
        size = (right - left, bottom - top)
        coarse = cv2.resize(region, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA)
        redacted[top:bottom, left:right] = cv2.resize(coarse, size, interpolation=cv2.INTER_NEAREST)
    return redacted


def _grown(box: Box) -> Box:
    side_x, side_y = box.width * GROW, box.height * GROW
    return Box(box.x - (side_x - box.width) / 2, box.y - (side_y - box.height) / 2, side_x, side_y)
