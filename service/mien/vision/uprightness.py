"""Which way is up in a face, asked of the detector where its first answer is not certain.

The detector learned mostly from upright faces. It also finds some that lie on their side or stand on their heads, with
a lower score, and may then take the chin for the forehead. A classifier that gets such a crop is confidently wrong. So
each find that is not certain is looked at again: turned upright by its own landmarks, and in the three other ways.
The detector scores an upright face higher than the same one turned in 99 % of the held-out photographs.
"""

import math
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.domain import F32Array, U8Array
from mien.vision.alignment import roll_of
from mien.vision.boxes import Detections
from mien.vision.detector import FaceDetector

CERTAIN_SCORE = 0.93  # in held-out photographs turned by 180 degrees, no face scores more
MIN_MARGIN = 0.1  # of the best way over the second; 1 to 5 % of the upright faces have less
SIDE = 96  # px of a look
FACE_SIDE = 48.0  # px of the face in it, root of the area
_AT_ONCE = 8  # faces per run of the network
_WAYS = 4


def look_again(
    detector: FaceDetector, pixels: U8Array, found: Detections, min_side: float
) -> tuple[Detections, NDArray[np.bool_]]:
    """``found`` in ``uint8 [h, w, 3]`` BGR with the boxes and landmarks of the way up that the detector prefers, and
    which faces ``[n]`` it has no clear preference for.

    Faces under ``min_side`` px (shorter side) stay as they are.
    """
    boxes, landmarks, doubtful = found.boxes.copy(), found.landmarks.copy(), np.zeros(len(found.scores), np.bool_)
    large = (found.boxes[:, 2:] - found.boxes[:, :2]).min(axis=1) >= min_side
    asked = np.flatnonzero(large & (found.scores < CERTAIN_SCORE))
    for start in range(0, len(asked), _AT_ONCE):
        part = asked[start : start + _AT_ONCE]
        looks = [_Look(found.boxes[index], roll_of(found.landmarks[index])) for index in part]
        images = np.stack([view for look in looks for view in look.views(pixels)])
        seen = detector.best_cells(images, _PLACE)
        for row, (index, look) in enumerate(zip(part, looks, strict=True)):
            ways = seen.scores[_WAYS * row : _WAYS * (row + 1)]
            best = int(np.argmax(ways))
            tied = np.sort(ways)[-2] > ways[best] - MIN_MARGIN
            doubtful[index] = tied or ways[best] < detector.spec.min_score
            if best and not tied:
                boxes[index], landmarks[index] = look.in_picture(seen.select([_WAYS * row + best]), best)
    return Detections(boxes, found.scores, landmarks), doubtful


_BORDER = (SIDE - FACE_SIDE) / 2
_PLACE: F32Array = np.asarray([_BORDER, _BORDER, SIDE - _BORDER, SIDE - _BORDER], np.float32)
"""The box of the face in a look."""


class _Look:
    """A square around a face, rotated with it, as ``SIDE`` x ``SIDE`` px."""

    def __init__(self, box: F32Array, roll: float) -> None:
        left, top, right, bottom = (float(value) for value in box)
        self._x, self._y = (left + right) / 2, (top + bottom) / 2
        self._scale = max(math.sqrt((right - left) * (bottom - top)), 1.0) / FACE_SIDE  # px of the picture per px
        cosine, sine = math.cos(math.radians(roll)), math.sin(math.radians(roll))
        self._turn = np.asarray([[cosine, -sine], [sine, cosine]])

    def views(self, pixels: U8Array) -> Iterator[U8Array]:
        """The square, and it turned counter-clockwise by one, two and three quarters. Black beyond the picture."""
        height, width = pixels.shape[:2]
        shrunk = max(1, int(self._scale))  # a whole number: averaging is fast, and what remains skips no pixel
        reach = SIDE * self._scale * math.sqrt(0.5) + 2 * shrunk
        left, right = max(0, math.floor(self._x - reach)), min(width, math.ceil(self._x + reach))
        top, bottom = max(0, math.floor(self._y - reach)), min(height, math.ceil(self._y + reach))
        columns, rows = max(1, (right - left) // shrunk), max(1, (bottom - top) // shrunk)
        part = pixels[top : top + rows * shrunk, left : left + columns * shrunk]
        if shrunk > 1:
            part = np.asarray(cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
        linear = self._turn * self._scale / shrunk
        place = np.asarray([self._x - left, self._y - top]) / shrunk - 0.5 - linear @ np.full(2, (SIDE - 1) / 2)
        matrix = np.column_stack([linear, place])
        view = cv2.warpAffine(part, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        for quarters in range(_WAYS):
            yield np.asarray(np.rot90(view, quarters), np.uint8)

    def in_picture(self, face: Detections, quarters: int) -> tuple[F32Array, F32Array]:
        """Box ``[4]`` and landmarks ``[5, 2]`` of the one face in the view turned by ``quarters``, in pixels of the
        picture. The box keeps its sides: that of a tilted face is as large as that of an upright one."""
        upright = face.unrotate(quarters, SIDE, SIDE)
        corners = upright.boxes.reshape(2, 2)
        middle, reach = self._point(corners.mean(axis=0)), (corners[1] - corners[0]) / 2 * self._scale
        box = np.concatenate([middle - reach, middle + reach])
        return np.asarray(box, np.float32), np.asarray(self._point(upright.landmarks[0]), np.float32)

    def _point(self, points: F32Array) -> NDArray[np.float64]:
        centred = (points - SIDE / 2) * self._scale
        return np.asarray(centred @ self._turn.T + [self._x, self._y])
