"""Quarter turns and the mirror image of a picture, and of the faces found in it."""

from dataclasses import replace

import numpy as np

from mien.domain import U8Array
from mien.vision.detector import Detections

_SIDES_EXCHANGED = [1, 0, 2, 4, 3]  # of eyes, nose and mouth corners


def turned(pixels: U8Array, quarters: int) -> U8Array:
    """``uint8 [h, w, 3]`` turned counter-clockwise by ``quarters`` of a full turn."""
    return np.ascontiguousarray(np.rot90(pixels, quarters))


def turned_back(found: Detections, quarters: int, width: int, height: int) -> Detections:
    """Faces of a ``turned`` picture as faces of the picture before, which was ``width`` x ``height`` pixels."""
    for left in range(quarters, 0, -1):
        found = _clockwise(found, width if left % 2 else height)
    return found


def mirrored(pixels: U8Array) -> U8Array:
    """``uint8 [h, w, 3]`` with left and right exchanged."""
    return np.ascontiguousarray(pixels[:, ::-1])


def mirrored_back(found: Detections, width: int) -> Detections:
    """Faces of a ``mirrored`` picture as faces of the picture before; right eyes are right ones again."""
    left, top, right, bottom = found.boxes.T
    across = np.stack([width - found.landmarks[..., 0], found.landmarks[..., 1]], axis=-1)
    return replace(
        found,
        boxes=np.stack([width - right, top, width - left, bottom], axis=1),
        landmarks=across[:, _SIDES_EXCHANGED],
    )


def _clockwise(found: Detections, side: int) -> Detections:
    """A quarter clockwise; ``side`` is the width of the picture that comes out."""
    boxes, landmarks = found.boxes, found.landmarks
    left, top, right, bottom = boxes.T
    return replace(
        found,
        boxes=np.stack([side - bottom, left, side - top, right], axis=1),
        landmarks=np.stack([side - landmarks[..., 1], landmarks[..., 0]], axis=-1),
    )
