"""Faces and their labels: the sheets of FER+, and faces of the detector's photographs, which have none.

Label names and their orders stand here too: the one place that maps columns of the data to outputs of the network.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.vision.alignment import crop_face, crop_square
from training.detector.data import Photograph, load_photographs, read_picture

FERPLUS8 = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")
"""Order of the `ferplus` output; the first eight vote columns of FER+ stand in the same order."""

BASIC7 = FERPLUS8[:7]
"""Order of the `fer2013` output (FER2013 has no contempt)."""

VOTE_COLUMNS = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip
"""Vote columns of labels.csv, in the order of the FER+ release; the last two are no emotions."""

FER2013_INDEX = {name: BASIC7.index(name) for name in BASIC7}
"""labels.csv already uses our names for FER2013; only the order differs (there: alphabetical, neutral last)."""

NO_LABEL = -1
"""Stands for a FER2013 label that could not be recovered; such faces are masked from that head's loss."""

SIDE = 48  # px of a crop
SHEET_COLUMNS = 40

MIN_PHOTOGRAPH_FACE = 24.0  # px, root of the box's area

Split = Literal["train", "valid"]


@dataclass(frozen=True)
class Faces:
    """One split, rows in the order of labels.csv."""

    images: NDArray[np.uint8]  # [n, 48, 48] grey
    votes: NDArray[np.int64]  # [n, 10], columns as VOTE_COLUMNS
    fer2013: NDArray[np.int64]  # [n], index in BASIC7 or NO_LABEL

    def __len__(self) -> int:
        return len(self.images)

    def rows(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> "Faces":
        """The rows that `chosen` names by index, or marks in a mask [n]."""
        return Faces(self.images[chosen], self.votes[chosen], self.fer2013[chosen])

    def joined(self, others: "Faces") -> "Faces":
        """These faces, then `others`."""
        return Faces(
            np.concatenate([self.images, others.images]),
            np.concatenate([self.votes, others.votes]),
            np.concatenate([self.fer2013, others.fer2013]),
        )


def crop_at(sheet: NDArray[np.uint8], position: int) -> NDArray[np.uint8]:
    """Crop `position` of a sheet [h, w] with 40 crops per row."""
    row, column = divmod(position, SHEET_COLUMNS)
    return sheet[row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE]


def load(data: Path, split: Split) -> Faces:
    """All faces of `split` from `data`/emotions."""
    folder = data / "emotions"
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    sheets = {name: _read_grey(folder / name) for name in {row["sheet"] for row in rows}}
    return Faces(
        images=np.stack([crop_at(sheets[row["sheet"]], int(row["position"])) for row in rows]),
        votes=np.array([[int(row[column]) for column in VOTE_COLUMNS] for row in rows], dtype=np.int64),
        fer2013=np.array([FER2013_INDEX.get(row["fer2013"], NO_LABEL) for row in rows], dtype=np.int64),
    )


def load_photograph_faces(folder: Path, valid: NDArray[np.uint8]) -> Faces:
    """The faces of the photographs that are not held out, without near-duplicates of `valid` [n, 48, 48].

    Cropped as the service crops them; only teachers label them (noisy student, Xie et al. 2020, arXiv:1911.04252). They
    bring what FER+ has little of: colour cameras, street light, small faces, and our own crop.
    """
    crops = [crop for photograph in load_photographs(folder) for crop in _crops(folder, photograph)]
    images = np.array(crops, dtype=np.uint8).reshape(-1, SIDE, SIDE)
    images = images[~near_duplicates(images, valid)]
    votes = np.zeros((len(images), len(VOTE_COLUMNS)), np.int64)
    return Faces(images, votes, np.full(len(images), NO_LABEL, np.int64))


def _crops(folder: Path, photograph: Photograph) -> list[NDArray[np.uint8]]:
    sides = np.sqrt(np.maximum(photograph.boxes[:, 2:] - photograph.boxes[:, :2], 0).prod(axis=1))
    usable = np.isfinite(photograph.landmarks).all(axis=(1, 2)) & ~photograph.ignore & (sides >= MIN_PHOTOGRAPH_FACE)
    if photograph.held_out or not usable.any():
        return []
    pixels = read_picture(folder, photograph)
    height, width = pixels.shape[:2]
    squares = [
        crop_square(box, landmarks)
        for box, landmarks in zip(photograph.boxes[usable], photograph.landmarks[usable], strict=True)
    ]
    return [crop_face(pixels, square) for square in squares if 0 <= square.x < width and 0 <= square.y < height]


def near_duplicates(
    images: NDArray[np.uint8], others: NDArray[np.uint8], threshold: float = 0.95, block: int = 2048
) -> NDArray[np.bool_]:
    """Which of `images` [n, 48, 48] have a near-identical picture, mirrored or not, among `others` [m, 48, 48].

    Near-identical: Pearson correlation of the pixels above `threshold`. A network may remember a training face.
    """
    reference = np.concatenate([unit_rows(others), unit_rows(others[:, :, ::-1])]).T
    found = np.zeros(len(images), dtype=np.bool_)
    for start in range(0, len(images), block):
        correlation = unit_rows(images[start : start + block]) @ reference
        found[start : start + block] = (correlation > threshold).any(axis=1)
    return found


def unit_rows(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`images` [n, h, w] as rows [n, h * w] of mean 0 and length 1: products of rows are Pearson correlations."""
    flat = images.reshape(len(images), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(flat, axis=1, keepdims=True)
    rows: NDArray[np.float32] = flat / np.maximum(norm, 1e-6)
    return rows


def _read_grey(path: Path) -> NDArray[np.uint8]:
    sheet = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if sheet is None:
        raise FileNotFoundError(f"cannot read the sheet {path}")
    return np.asarray(sheet, dtype=np.uint8)
