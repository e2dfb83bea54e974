"""Faces made unrecognisable: for good, and whatever their size."""

from collections.abc import Iterable

import cv2

from service.domain import Box, U8Array
from service.render.geometry import pixel_rectangle

# A face of 8 blocks across cannot be recognised; these are 5, blurred, over the whole head.
BLOCKS = 5
GROW = 1.5


def redact(pixels: U8Array, boxes: Iterable[Box]) -> U8Array:
    """A copy of ``uint8 [h, w, 3]`` in which the surroundings of every box (in its pixels) are coarse blocks.

    A region is averaged down to ``BLOCKS`` x ``BLOCKS`` values and nothing else of it is kept, so that no filter can
    bring it back. The ellipse within is enlarged by ``GROW``, for hair and ears tell people apart too.
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
