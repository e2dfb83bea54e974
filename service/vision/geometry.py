"""Boxes as arrays: ``float32 [n, 4]``, left, top, right, bottom. Pure functions."""

import numpy as np
from numpy.typing import NDArray

from service.domain import F32Array


def intersection(box: F32Array, others: F32Array) -> F32Array:
    """Area shared by one box ``[4]`` and each of ``others`` ``[n, 4]``."""
    size = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    size = np.maximum(size, 0)
    return np.asarray(size[:, 0] * size[:, 1], dtype=np.float32)


def area(boxes: F32Array) -> F32Array:
    """Area of each box, ``[n]``."""
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), dtype=np.float32)


def suppress(boxes: F32Array, scores: F32Array, iou: float, most: int) -> NDArray[np.intp]:
    """Greedy non-maximum suppression.

    Returns the indices of at most ``most`` kept boxes, best score first. Equal scores keep their order, so that the
    result does not depend on the sort.
    """
    order = np.argsort(-scores, kind="stable")
    areas = area(boxes)
    kept: list[int] = []
    while order.size and len(kept) < most:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        shared = intersection(boxes[best], boxes[rest])
        union = np.maximum(areas[best] + areas[rest] - shared, np.finfo(np.float32).tiny)
        order = rest[shared / union <= iou]
    return np.asarray(kept, dtype=np.intp)


def voting_weights(kept: NDArray[np.intp], boxes: F32Array, scores: F32Array, iou: float) -> NDArray[np.float64]:
    """How much each box says about each kept one: ``[k, n]``, rows summing to 1.

    Those that overlap the kept box by at least ``iou`` vote with the square of their score (box voting, Gidaris &
    Komodakis 2015). The best of two neighbours changes with the noise of a picture; their mean hardly does.
    """
    areas = area(boxes)
    weights = np.zeros((len(kept), len(boxes)))
    for row, best in enumerate(kept):
        shared = intersection(boxes[best], boxes)
        union = np.maximum(areas[best] + areas - shared, np.finfo(np.float32).tiny)
        weights[row] = np.where(shared / union >= iou, scores.astype(np.float64) ** 2, 0)
        weights[row, best] = float(scores[best]) ** 2 + np.finfo(np.float64).tiny
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def clip(boxes: F32Array, width: int, height: int) -> F32Array:
    """Boxes cut to a picture of that size."""
    bounds = np.asarray([width, height, width, height], dtype=np.float32)
    return np.clip(boxes, 0, bounds)
