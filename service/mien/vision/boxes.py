"""Boxes as arrays, ``float32 [n, 4]`` (left, top, right, bottom), and detections. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.domain import F32Array

_PAIRS = 1 << 16  # of boxes, in arrays of 256 KiB


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Faces, best score first: ``boxes`` float32 ``[n, 4]``, ``scores`` ``[n]`` and ``landmarks`` ``[n, 5, 2]``, in
    pixels of the picture that was searched."""

    boxes: F32Array
    scores: F32Array
    landmarks: F32Array

    def transform(self, scale: float, x: float = 0.0, y: float = 0.0) -> "Detections":
        """The same faces in a picture ``scale`` times as large, then shifted by (x, y)."""
        shift = np.asarray([x, y], dtype=np.float32)
        return Detections(
            self.boxes * np.float32(scale) + np.tile(shift, 2), self.scores, self.landmarks * np.float32(scale) + shift
        )

    def select(self, keep: Any) -> "Detections":
        """The faces that an index or mask array selects."""
        return Detections(self.boxes[keep], self.scores[keep], self.landmarks[keep])

    @staticmethod
    def concat(parts: "Sequence[Detections]") -> "Detections":
        """All faces of several detections, one after the other."""
        return Detections(
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.landmarks for part in parts]),
        )

    def unrotate(self, quarters: int, width: int, height: int) -> "Detections":
        """Faces of a picture rotated counter-clockwise by ``quarters`` quarter turns, in the original, which is
        ``width`` x ``height`` pixels."""
        boxes, landmarks = self.boxes, self.landmarks
        for left_to_turn in range(quarters, 0, -1):
            side = width if left_to_turn % 2 else height  # width of the picture after one turn clockwise
            left, top, right, bottom = boxes.T
            boxes = np.stack([side - bottom, left, side - top, right], axis=1)
            landmarks = np.stack([side - landmarks[..., 1], landmarks[..., 0]], axis=-1)
        return Detections(boxes, self.scores, landmarks)


def intersection(box: F32Array, others: F32Array) -> F32Array:
    """Area shared by one box ``[4]`` and each of ``others`` ``[n, 4]``."""
    return np.asarray(intersections(box[None], others)[0], dtype=np.float32)


def intersections(boxes: F32Array, others: F32Array) -> F32Array:
    """Area shared by each of ``boxes`` ``[m, 4]`` and each of ``others`` ``[n, 4]``: ``[m, n]``."""
    left, top, right, bottom = boxes.T[:, :, None]
    other_left, other_top, other_right, other_bottom = np.ascontiguousarray(others.T)
    width = np.minimum(right, other_right) - np.maximum(left, other_left)
    height = np.minimum(bottom, other_bottom) - np.maximum(top, other_top)
    return np.asarray(np.maximum(width, 0) * np.maximum(height, 0), dtype=np.float32)


def iou(box: F32Array, others: F32Array) -> F32Array:
    """Intersection over union of one box ``[4]`` and each of ``others`` ``[n, 4]``."""
    return np.asarray(ious(box[None], others)[0], dtype=np.float32)


def ious(boxes: F32Array, others: F32Array) -> F32Array:
    """Intersection over union of each of ``boxes`` ``[m, 4]`` and each of ``others`` ``[n, 4]``: ``[m, n]``."""
    shared = intersections(boxes, others)
    union = area(boxes)[:, None] + area(others) - shared
    return np.asarray(shared / np.maximum(union, np.finfo(np.float32).tiny), dtype=np.float32)


def rows_at_once(columns: int) -> int:
    """How many rows of a table of pairs to make at once: as many as fit a core's cache, and at least one. One row at
    a time costs more Python than arithmetic, and all of them would take hundreds of MiB for thousands of boxes."""
    return max(1, _PAIRS // max(1, columns))


def area(boxes: F32Array) -> F32Array:
    """Area of each box, ``[n]``."""
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), dtype=np.float32)


def nms(boxes: F32Array, scores: F32Array, iou: float, max_detections: int) -> NDArray[np.intp]:
    """Greedy non-maximum suppression.

    Returns the indices of at most ``max_detections`` kept boxes, best score first. Equal scores keep their order, so
    that the result does not depend on the sort.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = boxes[order]
    remaining = np.ones(len(order), dtype=np.bool_)
    kept: list[int] = []
    start = 0
    while len(kept) < max_detections:
        ranks = start + np.flatnonzero(remaining[start:])[: rows_at_once(len(order) - start)]
        if not ranks.size:
            break
        lower = remaining[start:]
        suppressed = ious(ranked[ranks], ranked[start:]) > iou
        for rank, others in zip(ranks.tolist(), suppressed, strict=True):
            if remaining[rank]:
                kept.append(rank)
                lower[others] = False
        start = int(ranks[-1]) + 1
    return np.asarray(order[kept[:max_detections]], dtype=np.intp)


def box_voting(values: F32Array, kept: NDArray[np.intp], boxes: F32Array, scores: F32Array, iou: float) -> F32Array:
    """Mean of ``values`` ``[n, m]`` for each kept box, ``[k, m]``.

    Boxes that overlap the kept one by at least ``iou`` vote with the square of their score (box voting, Gidaris &
    Komodakis 2015). Which of two neighbours scores higher changes with the noise of a picture; their mean hardly does.
    The mean of a box does not depend on which others are kept.
    """
    means = np.zeros((len(kept), values.shape[1]), dtype=np.float32)
    squares = scores.astype(np.float64) ** 2
    step = rows_at_once(len(boxes))
    for start in range(0, len(kept), step):
        part = kept[start : start + step]
        agrees = ious(boxes[part], boxes) >= iou
        for row, best in enumerate(part):
            agrees[row, best] = True
            voters = np.flatnonzero(agrees[row])
            weights = squares[voters]
            weights[voters == best] += np.finfo(np.float64).tiny
            means[start + row] = (weights / weights.sum()) @ values[voters]
    return means
