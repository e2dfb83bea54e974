"""Consensus detections: below the single-pass threshold, but found by several passes (two scales, mirrored).

The score of a single pass depends on how face-like a thing is and on how it happens to fall on the grid of this input.
The second part differs from scale to scale and from a picture to its mirror image, so the mean over four passes tells
faces from wheels at a score at which no single pass can: on held-out photographs without faces the highest single score
was 0.60, the highest mean 0.43. This is test-time augmentation, used only where it can change the result.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.domain import F32Array, U8Array
from mien.vision.boxes import Detections, area, intersection, nms
from mien.vision.detector import FaceDetector, RawOutput

SAME_FACE_IOU = 0.4  # between the boxes of two passes
MIN_PASS_SCORE = 0.2  # weaker detections of a pass are ignored
MIN_MEAN_TO_MIRROR = 0.35  # mean over both scales from which the mirror image is searched, too


def flip(pixels: U8Array) -> U8Array:
    """The mirror image of ``uint8 [h, w, 3]``, left and right exchanged; see ``Detections.unflip``."""
    return np.ascontiguousarray(pixels[:, ::-1])


def consensus(
    detector: FaceDetector, pixels: U8Array, outputs: Sequence[RawOutput], threshold: float, max_detections: int
) -> Detections:
    """Faces whose mean score over all passes is at least ``threshold``, best first, in pixels of ``pixels``.

    ``outputs`` are the passes over ``pixels``, uint8 ``[h, w, 3]``, one per input size. The mirror image is searched at
    the same sizes only if their mean score is promising: a picture without anything face-like costs nothing more.
    """
    passes = [detector.decode(output, MIN_PASS_SCORE, max_detections) for output in outputs]
    means = _mean_over_passes(passes, detector.spec.nms_iou, max_detections)
    if means.scores.max(initial=0.0) < min(MIN_MEAN_TO_MIRROR, threshold):
        return means.select(slice(0))
    mirrored = flip(pixels)
    for output in outputs:
        found = detector.detect(mirrored, output.long_side, MIN_PASS_SCORE, max_detections)
        passes.append(found.unflip(pixels.shape[1]))
    means = _mean_over_passes(passes, detector.spec.nms_iou, max_detections)
    return means.select(means.scores >= threshold)


def average_position(found: Detections, other: Detections) -> Detections:
    """``found`` with boxes and landmarks averaged with those of the matching faces of ``other``.

    Weak detections are poorly localised; errors of two passes partly cancel out.
    """
    boxes, landmarks = found.boxes.copy(), found.landmarks.copy()
    for index, box in enumerate(found.boxes):
        match = _best_match(box, other)
        boxes[index] = np.mean([box, *other.boxes[match]], axis=0)
        landmarks[index] = np.mean([found.landmarks[index], *other.landmarks[match]], axis=0)
    return Detections(boxes, found.scores, landmarks)


def _mean_over_passes(passes: Sequence[Detections], iou: float, max_detections: int) -> Detections:
    """Every face of any pass, placed at the mean of the passes that found it; a pass that did not counts as score 0."""
    candidates = Detections.concat(passes)
    means = []
    for index in nms(candidates.boxes, candidates.scores, iou, max_detections):
        matches = Detections.concat([one.select(_best_match(candidates.boxes[index], one)) for one in passes])
        score = matches.scores.sum(dtype=np.float32) / np.float32(len(passes))
        box, points = matches.boxes.mean(axis=0, keepdims=True), matches.landmarks.mean(axis=0, keepdims=True)
        means.append(Detections(box, score[None], points))
    if not means:
        return candidates
    found = Detections.concat(means)
    return found.select(np.argsort(-found.scores, kind="stable"))


def _best_match(box: F32Array, found: Detections) -> NDArray[np.intp]:
    """The index of the face that overlaps ``box`` most, ``[1]``, or ``[0]`` if no overlap reaches ``SAME_FACE_IOU``."""
    shared = intersection(box, found.boxes)
    overlaps = shared / (area(box[None]) + area(found.boxes) - shared)
    return np.flatnonzero((overlaps >= SAME_FACE_IOU) & (overlaps == overlaps.max(initial=0.0)))[:1]
