"""Quarter turns of a picture, and of the faces found in it."""

from dataclasses import replace

import numpy as np

from service.domain import U8Array
from service.vision.detector import Detections


def turned(pixels: U8Array, quarters: int) -> U8Array:
    """``uint8 [h, w, 3]`` turned counter-clockwise by ``quarters`` of a full turn."""
    return np.ascontiguousarray(np.rot90(pixels, quarters))


def turned_back(found: Detections, quarters: int, width: int, height: int) -> Detections:
    """Faces of a ``turned`` picture as faces of the picture before, which was ``width`` x ``height`` pixels."""
    for left in range(quarters, 0, -1):
        found = _clockwise(found, width if left % 2 else height)
    return found


def _clockwise(found: Detections, side: int) -> Detections:
    """A quarter clockwise; ``side`` is the width of the picture that comes out."""
    boxes, landmarks = found.boxes, found.landmarks
    left, top, right, bottom = boxes.T
    return replace(
        found,
        boxes=np.stack([side - bottom, left, side - top, right], axis=1),
        landmarks=np.stack([side - landmarks[..., 1], landmarks[..., 0]], axis=-1),
    )
