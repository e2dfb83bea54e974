"""Boxes as arrays, ``float32 [n, 4]`` (left, top, right, bottom), and detections. Pure functions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.domain import F32Array


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
    size = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    size = np.maximum(size, 0)
    return np.asarray(size[:, 0] * size[:, 1], dtype=np.float32)


def iou(box: F32Array, others: F32Array) -> F32Array:
    """Intersection over union of one box ``[4]`` and each of ``others`` ``[n, 4]``."""
    return _iou(box, area(box[None])[0], others.T, area(others))


def area(boxes: F32Array) -> F32Array:
    """Area of each box, ``[n]``."""
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), dtype=np.float32)


def clip(boxes: F32Array, width: int, height: int) -> F32Array:
    """Boxes clipped to a picture of that size."""
    return np.clip(boxes, 0, np.asarray([width, height, width, height], dtype=np.float32))


def nms(boxes: F32Array, scores: F32Array, iou: float, max_detections: int) -> NDArray[np.intp]:
    """Greedy non-maximum suppression.

    Returns the indices of at most ``max_detections`` kept boxes, best score first. Equal scores keep their order, so
    that the result does not depend on the sort.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = boxes[order]
    columns, areas = _columns(ranked), area(ranked)
    remaining = np.ones(len(order), dtype=np.bool_)
    kept: list[int] = []
    for rank in range(len(order)):
        if len(kept) >= max_detections:
            break
        if remaining[rank]:
            kept.append(rank)
            # Views, not copies: thousands of boxes may remain.
            lower = slice(rank + 1, None)
            remaining[lower] &= _iou(ranked[rank], areas[rank], columns[:, lower], areas[lower]) <= iou
    return np.asarray(order[kept], dtype=np.intp)


def box_voting(values: F32Array, kept: NDArray[np.intp], boxes: F32Array, scores: F32Array, iou: float) -> F32Array:
    """Mean of ``values`` ``[n, m]`` for each kept box, ``[k, m]``, weighted by ``voting_weights``.

    The weights are made one row at a time: for a thousand faces among thousands of boxes all of them would take
    hundreds of MiB, nearly all zero.
    """
    means = np.zeros((len(kept), values.shape[1]), dtype=np.float32)
    for row, weights in enumerate(_voting_weights(kept, boxes, scores, iou)):
        voters = np.flatnonzero(weights)
        # A plain sum: the rounding of a matrix product may depend on the number of rows.
        means[row] = (weights[voters, None] * values[voters]).sum(axis=0)
    return means


def voting_weights(kept: NDArray[np.intp], boxes: F32Array, scores: F32Array, iou: float) -> NDArray[np.float64]:
    """Weight of each box in the vote for each kept one: ``[k, n]``, rows summing to 1.

    Boxes that overlap the kept one by at least ``iou`` vote with the square of their score (box voting, Gidaris &
    Komodakis 2015). Which of two neighbours scores higher changes with the noise of a picture; their mean hardly does.
    """
    rows = list(_voting_weights(kept, boxes, scores, iou))
    return np.stack(rows) if rows else np.zeros((0, len(boxes)))


def _voting_weights(
    kept: NDArray[np.intp], boxes: F32Array, scores: F32Array, iou: float
) -> Iterator[NDArray[np.float64]]:
    columns, areas = _columns(boxes), area(boxes)
    squares = scores.astype(np.float64) ** 2
    for best in kept:
        weights = np.where(_iou(boxes[best], areas[best], columns, areas) >= iou, squares, 0)
        weights[best] = float(scores[best]) ** 2 + np.finfo(np.float64).tiny
        yield weights / weights.sum()


def _columns(boxes: F32Array) -> F32Array:
    """``[4, n]``: one coordinate of all boxes is contiguous in memory."""
    return np.ascontiguousarray(boxes.T)


def _iou(box: F32Array, box_area: np.float32, columns: F32Array, areas: F32Array) -> F32Array:
    """Intersection over union, ``[n]``, of one box ``[4]`` and the boxes in ``columns`` ``[4, n]``."""
    width = np.minimum(box[2], columns[2]) - np.maximum(box[0], columns[0])
    height = np.minimum(box[3], columns[3]) - np.maximum(box[1], columns[1])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    return np.asarray(shared / np.maximum(box_area + areas - shared, np.finfo(np.float32).tiny), dtype=np.float32)
