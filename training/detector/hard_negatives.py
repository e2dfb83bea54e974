"""What a round takes for faces in the training photographs, so that the next round can learn from it.

A detection that overlaps no label is doubtful where the teacher sees at least a hint of a face, and wrong where it does
not. Held-out photographs are never looked at.
"""

from __future__ import annotations

import numpy as np

from mien.vision.boxes import nms
from training.detector.average_precision import iou_matrix
from training.detector.data import FloatArray, Image, Photograph, PixelCache
from training.detector.labels import HardNegative, HardNegatives
from training.detector.predictor import ACCURATE, FAST, MAX_FACES, NMS_IOU, Detector

HINT = 0.2  # the teacher's score from which a detection is left open
SAME = 0.3  # overlap (IoU) from which two boxes mean the same thing


def mine(
    photographs: list[Photograph], pixels: PixelCache, rows: list[int], detector: Detector, teacher: Detector
) -> HardNegatives:
    """Detections without a label in the photographs at `rows`, by file."""
    found = {}
    for row in rows:
        negative = _of(photographs[row], pixels[row], detector, teacher)
        if len(negative.wrong) or len(negative.doubtful):
            found[photographs[row].file] = negative
    return found


def _of(photograph: Photograph, picture: Image, detector: Detector, teacher: Detector) -> HardNegative:
    boxes = _boxes(detector, picture)
    boxes = boxes[~(iou_matrix(boxes, photograph.boxes) >= SAME).any(axis=1)]
    if not len(boxes):
        return HardNegative(boxes, boxes)
    hinted = (iou_matrix(boxes, _boxes(teacher, picture)) >= SAME).any(axis=1)
    return HardNegative(boxes[~hinted], boxes[hinted])


def _boxes(detector: Detector, picture: Image) -> FloatArray:
    """Everything detected at either input size: [n, 4] x1 y1 x2 y2."""
    passes = [detector.detect(picture, side) for side in (FAST, ACCURATE)]
    boxes = np.concatenate([one.boxes for one in passes])
    scores = np.concatenate([one.scores for one in passes])
    kept: FloatArray = boxes[nms(boxes, scores, NMS_IOU, MAX_FACES)]
    return kept
