"""Matching detections to labels, and what follows from it: average precision, recall, false positives.

One protocol for every detector: detections of a picture are taken best first; one that overlaps a free counted face
with IoU of at least 0.5 finds it (the best such face); one that overlaps a face left out (`ignore`, too small, not of
the label set) by as much counts neither way; any other is a false positive, whatever its size.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.detector.data import FloatArray

MATCH_IOU = 0.5
FOUND, WRONG, LEFT_OUT = 1, 0, -1


@dataclass(frozen=True, eq=False)
class Matches:
    """One picture: outcome [n] (FOUND, WRONG, LEFT_OUT) per detection in the order of their scores [n]; faces: how
    many labels count."""

    scores: FloatArray
    outcome: npt.NDArray[np.int8]
    faces: int


def iou_matrix(first: FloatArray, second: FloatArray) -> FloatArray:
    """[n, 4] and [m, 4] x1 y1 x2 y2 -> [n, m]; NaN boxes overlap nothing."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=2)
    area = (first[:, 2:] - first[:, :2]).prod(axis=1)
    other = (second[:, 2:] - second[:, :2]).prod(axis=1)
    overlap: FloatArray = shared / np.maximum(area[:, None] + other[None] - shared, 1e-9)
    return np.nan_to_num(overlap)


def match(
    boxes: FloatArray, scores: FloatArray, labels: FloatArray, counted: npt.NDArray[np.bool_], iou: float = MATCH_IOU
) -> Matches:
    """boxes [n, 4] best first against labels [m, 4], of which `counted` [m] must be found."""
    overlaps = iou_matrix(boxes, labels)
    free = counted.copy()
    outcome = np.full(len(boxes), WRONG, np.int8)
    for i in range(len(boxes)):
        open_overlaps = np.where(free, overlaps[i], 0.0)
        best = int(open_overlaps.argmax()) if len(labels) else -1
        if best >= 0 and open_overlaps[best] >= iou:
            outcome[i], free[best] = FOUND, False
        elif (overlaps[i][~counted] >= iou).any():
            outcome[i] = LEFT_OUT
    return Matches(scores, outcome, int(counted.sum()))


@dataclass(frozen=True, eq=False)
class Curve:
    """All detections that count, best first: scores, recall, precision, false positives per picture [k]."""

    scores: FloatArray
    recall: FloatArray
    precision: FloatArray
    wrong_per_picture: FloatArray
    faces: int

    @property
    def average_precision(self) -> float:
        """Area under the curve, precision made non-increasing (all points, as in VOC 2010 and WIDER FACE)."""
        if not self.faces:
            return float("nan")
        envelope = np.maximum.accumulate(self.precision[::-1])[::-1]
        steps = np.diff(self.recall, prepend=0.0)
        return float((steps * envelope).sum())

    def at_threshold(self, threshold: float) -> tuple[float, float, float]:
        """Recall, precision and false positives per picture of the detections with at least this score."""
        count = int((self.scores >= threshold).sum())
        if not count:
            return 0.0, 1.0, 0.0
        return float(self.recall[count - 1]), float(self.precision[count - 1]), float(self.wrong_per_picture[count - 1])


def curve(pictures: list[Matches]) -> Curve:
    """Joins the matches of pictures."""
    scores = np.concatenate([m.scores for m in pictures] or [np.zeros(0, np.float32)])
    outcome = np.concatenate([m.outcome for m in pictures] or [np.zeros(0, np.int8)])
    faces = sum(m.faces for m in pictures)
    order = np.argsort(-scores, kind="stable")
    order = order[outcome[order] != LEFT_OUT]
    found = np.cumsum(outcome[order] == FOUND).astype(np.float64)
    wrong = np.cumsum(outcome[order] == WRONG).astype(np.float64)
    return Curve(
        scores[order],
        (found / max(faces, 1)).astype(np.float32),
        (found / np.maximum(found + wrong, 1)).astype(np.float32),
        (wrong / max(len(pictures), 1)).astype(np.float32),
        faces,
    )
