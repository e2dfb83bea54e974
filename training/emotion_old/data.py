"""Reads the sheets of FER+ faces and their labels."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from training.emotion.labels import FER2013_TO_BASIC7, NO_LABEL, VOTE_COLUMNS

TILE = 48
SHEET_COLUMNS = 40

Split = Literal["train", "valid", "photographs"]
PHOTOGRAPHS: Split = "photographs"  # faces without votes, where `carry` laid them down


@dataclass(frozen=True)
class Faces:
    """One split, rows in the order of labels.csv."""

    images: NDArray[np.uint8]  # [n, 48, 48] grey
    votes: NDArray[np.int64]  # [n, 10], columns as labels.VOTE_COLUMNS
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


def nobody() -> Faces:
    """No faces."""
    return Faces(np.zeros((0, TILE, TILE), np.uint8), np.zeros((0, len(VOTE_COLUMNS)), np.int64), np.zeros(0, np.int64))


def tile_at(sheet: NDArray[np.uint8], position: int) -> NDArray[np.uint8]:
    """Tile `position` of a sheet [h, w] with 40 tiles a row."""
    row, column = divmod(position, SHEET_COLUMNS)
    return sheet[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]


def load(data: Path, split: Split) -> Faces:
    """All faces of `split` from `data`/emotions."""
    folder = data / "emotions"
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    sheets = {name: _read_grey(folder / name) for name in {row["sheet"] for row in rows}}
    return Faces(
        images=np.stack([tile_at(sheets[row["sheet"]], int(row["position"])) for row in rows]),
        votes=np.array([[int(row[column]) for column in VOTE_COLUMNS] for row in rows], dtype=np.int64),
        fer2013=np.array([FER2013_TO_BASIC7.get(row["fer2013"], NO_LABEL) for row in rows], dtype=np.int64),
    )


def twins(
    images: NDArray[np.uint8], others: NDArray[np.uint8], threshold: float = 0.95, block: int = 2048
) -> NDArray[np.bool_]:
    """Which of `images` [n, 48, 48] have a near-identical picture, mirrored or not, among `others` [m, 48, 48].

    Near-identical: Pearson correlation of the pixels above `threshold`. Train faces with a twin in `valid` would let
    the net remember validation faces.
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
