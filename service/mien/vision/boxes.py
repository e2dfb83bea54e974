"""Boxes as arrays: ``float32 [n, 4]``, left, top, right, bottom. Pure functions."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mien.domain import F32Array


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
    ranked = boxes[order]
    columns, areas = _columns(ranked), area(ranked)
    waiting = np.ones(len(order), dtype=np.bool_)
    kept: list[int] = []
    for rank in range(len(order)):
        if len(kept) >= most:
            break
        if waiting[rank]:
            kept.append(rank)
            # Views of what ranks lower, and no copies: thousands of boxes may wait.
            lower = slice(rank + 1, None)
            waiting[lower] &= _iou(ranked[rank], areas[rank], columns[:, lower], areas[lower]) <= iou
    return np.asarray(order[kept], dtype=np.intp)


def voting_weights(kept: NDArray[np.intp], boxes: F32Array, scores: F32Array, iou: float) -> NDArray[np.float64]:
    """How much each box says about each kept one: ``[k, n]``, rows summing to 1.

    Those that overlap the kept box by at least ``iou`` vote with the square of their score (box voting, Gidaris &
    Komodakis 2015). The best of two neighbours changes with the noise of a picture; their mean hardly does.
    """
    weights = np.zeros((len(kept), len(boxes)))
    for row, votes in enumerate(_votes(kept, boxes, scores, iou)):
        weights[row] = votes
    return weights


def voted(values: F32Array, kept: NDArray[np.intp], boxes: F32Array, scores: F32Array, iou: float) -> F32Array:
    """Mean of ``values`` ``[n, m]`` for each kept box, ``[k, m]``, by ``voting_weights``, which are never all in
    memory: for a thousand faces among thousands of boxes they would be hundreds of MiB, nearly all of them zero."""
    means = np.zeros((len(kept), values.shape[1]), dtype=np.float32)
    for row, votes in enumerate(_votes(kept, boxes, scores, iou)):
        voters = np.flatnonzero(votes)
        # A plain sum, since a matrix product may round by how many faces it is asked for.
        means[row] = (votes[voters, None] * values[voters]).sum(axis=0)
    return means


def _votes(kept: NDArray[np.intp], boxes: F32Array, scores: F32Array, iou: float) -> Iterator[NDArray[np.float64]]:
    """The rows of ``voting_weights``, ``[n]`` each, one by one."""
    columns, areas = _columns(boxes), area(boxes)
    squares = scores.astype(np.float64) ** 2
    for best in kept:
        votes = np.where(_iou(boxes[best], areas[best], columns, areas) >= iou, squares, 0)
        votes[best] = float(scores[best]) ** 2 + np.finfo(np.float64).tiny
        yield votes / votes.sum()


def _columns(boxes: F32Array) -> F32Array:
    """``[4, n]``, each side's coordinates in a row, so that one is read without the others."""
    return np.ascontiguousarray(boxes.T)


def _iou(box: F32Array, box_area: np.float32, columns: F32Array, areas: F32Array) -> F32Array:
    """Intersection over union, ``[n]``, of one box ``[4]`` and the boxes in ``columns`` ``[4, n]``."""
    width = np.minimum(box[2], columns[2]) - np.maximum(box[0], columns[0])
    height = np.minimum(box[3], columns[3]) - np.maximum(box[1], columns[1])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    return np.asarray(shared / np.maximum(box_area + areas - shared, np.finfo(np.float32).tiny), dtype=np.float32)


def clip(boxes: F32Array, width: int, height: int) -> F32Array:
    """Boxes cut to a picture of that size."""
    bounds = np.asarray([width, height, width, height], dtype=np.float32)
    return np.clip(boxes, 0, bounds)
