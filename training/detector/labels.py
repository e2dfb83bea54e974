"""What a training view may call a face, what it may not, and what is left open."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.detector.average_precision import iou_matrix
from training.detector.data import FloatArray, Photograph

# A face marked `ignore` that the teacher believed in this much is taught as a face if it stands alone: most small faces
# have no better label. Not where people drew boxes: what they left out is often a hand. Measuring still ignores them.
BELIEVED = 0.55
LABELLED_BY_PEOPLE = ("fddb", "maskscenes")
_ALONE = 0.1  # overlap (IoU) with other labels; where several half-believed boxes cross there is seldom a face


@dataclass(frozen=True, eq=False)
class HardNegative:
    """Where an earlier edition saw faces that no label has: boxes x1 y1 x2 y2, in pixels of the stored photograph.

    wrong [n, 4]: the teacher sees nothing there either; doubtful [m, 4]: it is not sure.
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
    """The photograph's labels, its likely faces promoted and doubtful finds left out of the loss."""
    likely = photograph.scores >= BELIEVED
    if photograph.source in LABELLED_BY_PEOPLE:
        likely &= False
    overlaps = iou_matrix(photograph.boxes, photograph.boxes) - np.eye(len(photograph.boxes), dtype=np.float32)
    unsure = photograph.ignore & ~(likely & (overlaps <= _ALONE).all(axis=1))
    nowhere = np.zeros((0, 4), np.float32)
    wrong, doubtful = (negative.wrong, negative.doubtful) if negative else (nowhere, nowhere)
    return TrainingLabels(
        np.concatenate([photograph.boxes, doubtful]),
        np.concatenate([photograph.landmarks, np.full((len(doubtful), 5, 2), np.nan, np.float32)]),
        np.concatenate([unsure, np.ones(len(doubtful), np.bool_)]),
        wrong,
    )


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
