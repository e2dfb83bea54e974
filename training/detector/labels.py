"""What a training view may call a face, what it may not, and what is left open; and what an earlier round got wrong."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.vision.boxes import nms
from training.detector.average_precision import iou_matrix
from training.detector.data import FloatArray, Image, Photograph, PixelCache
from training.detector.predictor import ACCURATE, FAST, MAX_FACES, NMS_IOU, Detector

# A face marked `ignore` that the teacher believed in this much is taught as a face if it stands alone: most small faces
# have no better label. Not where people drew boxes: what they left out is often a hand. Measuring still ignores them.
BELIEVED = 0.55
LABELLED_BY_PEOPLE = ("fddb", "maskscenes")
MAX_OVERLAP = 0.1  # overlap (IoU) with other labels; where several half-believed boxes cross there is seldom a face

HINT = 0.2  # the teacher's score from which a detection is left open
SAME = 0.3  # overlap (IoU) from which two boxes mean the same thing


@dataclass(frozen=True, eq=False)
class HardNegative:
    """What an earlier round took for faces without a label: boxes x1 y1 x2 y2, in pixels of the stored photograph.

    wrong [n, 4]: background; doubtful [m, 4]: the teacher sees a hint of a face there.
    """

    wrong: FloatArray
    doubtful: FloatArray


HardNegatives = dict[str, HardNegative]  # by the photograph's file


@dataclass(frozen=True, eq=False)
class TrainingLabels:
    """boxes [n, 4], landmarks [n, 5, 2] (NaN: unknown) and ignore [n] as in `Photograph`; wrong [k, 4]: places that
    were once taken for faces."""

    boxes: FloatArray
    landmarks: FloatArray
    ignore: npt.NDArray[np.bool_]
    wrong: FloatArray


def training_labels(photograph: Photograph, negative: HardNegative | None) -> TrainingLabels:
    """The photograph's labels, its likely faces promoted, doubtful detections left out of the loss."""
    likely = (photograph.scores >= BELIEVED) & (photograph.source not in LABELLED_BY_PEOPLE)
    overlaps = iou_matrix(photograph.boxes, photograph.boxes) - np.eye(len(photograph.boxes), dtype=np.float32)
    unsure = photograph.ignore & ~(likely & (overlaps <= MAX_OVERLAP).all(axis=1))
    nowhere = np.zeros((0, 4), np.float32)
    wrong, doubtful = (negative.wrong, negative.doubtful) if negative else (nowhere, nowhere)
    return TrainingLabels(
        np.concatenate([photograph.boxes, doubtful]),
        np.concatenate([photograph.landmarks, np.full((len(doubtful), 5, 2), np.nan, np.float32)]),
        np.concatenate([unsure, np.ones(len(doubtful), np.bool_)]),
        wrong,
    )


def mine(
    photographs: list[Photograph], pixels: PixelCache, rows: list[int], detector: Detector, teacher: Detector | None
) -> HardNegatives:
    """Detections without a label in the photographs at `rows`, by file.

    One is doubtful where the teacher sees at least a hint of a face, and wrong where it does not.
    """
    found = {}
    for row in rows:
        negative = _hard_negatives(photographs[row], pixels[row], detector, teacher)
        if len(negative.wrong) or len(negative.doubtful):
            found[photographs[row].file] = negative
    return found


def _hard_negatives(
    photograph: Photograph, picture: Image, detector: Detector, teacher: Detector | None
) -> HardNegative:
    boxes = _detected(detector, picture)
    boxes = boxes[~(iou_matrix(boxes, photograph.boxes) >= SAME).any(axis=1)]
    if not len(boxes) or teacher is None:
        return HardNegative(boxes, boxes[:0])
    hinted = (iou_matrix(boxes, _detected(teacher, picture)) >= SAME).any(axis=1)
    return HardNegative(boxes[~hinted], boxes[hinted])


def _detected(detector: Detector, picture: Image) -> FloatArray:
    """Everything detected at either input size: [n, 4] x1 y1 x2 y2."""
    passes = [detector.detect(picture, side) for side in (FAST, ACCURATE)]
    boxes = np.concatenate([one.boxes for one in passes])
    scores = np.concatenate([one.scores for one in passes])
    kept: FloatArray = boxes[nms(boxes, scores, NMS_IOU, MAX_FACES)]
    return kept


def write(path: Path, negatives: HardNegatives) -> None:
    """Keep hard negatives as JSON."""
    rows = {
        file: {"wrong": one.wrong.round(1).tolist(), "doubtful": one.doubtful.round(1).tolist()}
        for file, one in negatives.items()
    }
    path.write_text(json.dumps(rows), encoding="utf-8")


def read(path: Path) -> HardNegatives:
    """What `write` kept."""
    rows = json.loads(path.read_text(encoding="utf-8"))
    return {file: HardNegative(_boxes(one["wrong"]), _boxes(one["doubtful"])) for file, one in rows.items()}


def _boxes(rows: list[list[float]]) -> FloatArray:
    return np.array(rows, np.float32).reshape(-1, 4)
