"""Faces that no look is sure of, but that several looks agree on.

A detector's doubt has two parts: how face-like a thing is, and how it happens to fall on the grid of this input. The
second part differs from input to input and from a picture to its mirror image, so a mean over four looks tells faces
from wheels at a score at which no single look can: on held-out photographs without faces the highest single score was
0.60 and the highest mean 0.43.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mien.domain import F32Array, U8Array
from mien.vision.boxes import area, intersection, suppress
from mien.vision.detector import Detections, FaceDetector, RawOutput
from mien.vision.flips import mirrored, mirrored_back

SAME = 0.4  # IoU of two looks at one face
DOUBTFUL = 0.2  # a score below that is none
WORTH = 0.35  # a mean of the two inputs that is worth two more looks


def agreed(
    detector: FaceDetector, pixels: U8Array, straight: list[RawOutput], threshold: float, most: int
) -> Detections:
    """Faces whose mean score over four looks is ``threshold`` or more, best first, in pixels of ``pixels``.

    ``straight`` are looks at ``pixels``, uint8 ``[h, w, 3]``, one an input size. What they make of its mirror image is
    asked only where they are half convinced, so a picture that shows nothing like a face costs nothing more.
    """
    looks = [detector.decode(seen, DOUBTFUL, most) for seen in straight]
    hints = _mean(looks, detector.spec.nms_iou, most)
    if hints.scores.max(initial=0.0) < min(WORTH, threshold):
        return hints.only(slice(0))
    image, width = mirrored(pixels), pixels.shape[1]
    for seen in straight:
        found = detector.find(image, seen.long_side, DOUBTFUL, most)
        looks.append(mirrored_back(found, width))
    found = _mean(looks, detector.spec.nms_iou, most)
    return found.only(found.scores >= threshold)


def steadied(found: Detections, other: Detections) -> Detections:
    """``found``, each where it and the same face of ``other`` are on average: what one look hardly sees, it hardly
    places."""
    boxes, landmarks = found.boxes.copy(), found.landmarks.copy()
    for index, box in enumerate(found.boxes):
        same = _same(box, other)
        boxes[index] = np.mean([box, *other.boxes[same]], axis=0)
        landmarks[index] = np.mean([found.landmarks[index], *other.landmarks[same]], axis=0)
    return replace(found, boxes=boxes, landmarks=landmarks)


def _mean(looks: list[Detections], iou: float, most: int) -> Detections:
    """Every face of any look, where the looks that have it are on average; its score is the mean over all of them."""
    every = Detections.joined(looks)
    means = []
    for index in suppress(every.boxes, every.scores, iou, most):
        same = Detections.joined([look.only(_same(every.boxes[index], look)) for look in looks])
        score = same.scores.sum(dtype=np.float32) / np.float32(len(looks))
        means.append(
            Detections(same.boxes.mean(axis=0, keepdims=True), score[None], same.landmarks.mean(axis=0, keepdims=True))
        )
    if not means:
        return every
    joined = Detections.joined(means)
    return joined.only(np.argsort(-joined.scores, kind="stable"))


def _same(box: F32Array, look: Detections) -> NDArray[np.intp]:
    """The index of the face of ``look`` that overlaps ``box`` most, or none: ``[0 or 1]``."""
    shared = intersection(box, look.boxes)
    overlaps = shared / (area(box[None]) + area(look.boxes) - shared)
    return np.flatnonzero((overlaps >= SAME) & (overlaps == overlaps.max(initial=0.0)))[:1]
