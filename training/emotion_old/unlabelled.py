"""Faces without votes: those of the detector's photographs, framed as the service frames them.

Nobody voted on them; teachers say what they make of them (noisy student, Xie et al. 2020, arXiv:1911.04252). They bring
what FER+ has little of: colour cameras, news and street light, small faces, and our own crop.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.vision.alignment import TILE, crop_square, crop_tile
from training.detector.data import Photograph, load_photographs, read_picture
from training.emotion.data import Faces
from training.emotion.labels import NO_LABEL, VOTE_COLUMNS

SMALLEST = 24.0  # px, root of the box's area; smaller ones say little


def load(folder: Path) -> Faces:
    """The faces of the photographs that are not held out, from `folder`/faces; no votes, no labels."""
    tiles = [tile for photograph in load_photographs(folder) for tile in _tiles(folder, photograph)]
    return Faces(
        images=np.array(tiles, dtype=np.uint8).reshape(-1, TILE, TILE),
        votes=np.zeros((len(tiles), len(VOTE_COLUMNS)), dtype=np.int64),
        fer2013=np.full(len(tiles), NO_LABEL, dtype=np.int64),
    )


def _tiles(folder: Path, photograph: Photograph) -> list[NDArray[np.uint8]]:
    sides = np.sqrt(np.maximum(photograph.boxes[:, 2:] - photograph.boxes[:, :2], 0).prod(axis=1))
    whole = np.isfinite(photograph.landmarks).all(axis=(1, 2)) & ~photograph.ignore & (sides >= SMALLEST)
    if photograph.held_out or not whole.any():
        return []
    pixels = read_picture(folder, photograph)
    squares = (
        crop_square(box, landmarks)
        for box, landmarks in zip(photograph.boxes[whole], photograph.landmarks[whole], strict=True)
    )
    height, width = pixels.shape[:2]
    inside = (square for square in squares if 0 <= square.x < width and 0 <= square.y < height)
    return [crop_tile(pixels, square) for square in inside]
