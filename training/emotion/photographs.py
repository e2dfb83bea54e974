"""Faces without votes: those of the detector's photographs, cropped as the service crops them.

Only teachers label them (noisy student, Xie et al. 2020, arXiv:1911.04252). They bring what FER+ has little of: colour
cameras, street light, small faces, and our own crop.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.vision.alignment import CROP_SIDE, crop_face, crop_square
from training.detector.data import Photograph, load_photographs, read_picture
from training.emotion.data import Faces, near_duplicates, unlabelled

MIN_SIDE = 24.0  # px, root of the box's area


def load(folder: Path, valid: NDArray[np.uint8]) -> Faces:
    """The faces of the photographs that are not held out, without near-duplicates of `valid` [n, 48, 48]."""
    crops = [crop for photograph in load_photographs(folder) for crop in _crops(folder, photograph)]
    images = np.array(crops, dtype=np.uint8).reshape(-1, CROP_SIDE, CROP_SIDE)
    return unlabelled(images[~near_duplicates(images, valid)])


def _crops(folder: Path, photograph: Photograph) -> list[NDArray[np.uint8]]:
    sides = np.sqrt(np.maximum(photograph.boxes[:, 2:] - photograph.boxes[:, :2], 0).prod(axis=1))
    usable = np.isfinite(photograph.landmarks).all(axis=(1, 2)) & ~photograph.ignore & (sides >= MIN_SIDE)
    if photograph.held_out or not usable.any():
        return []
    pixels = read_picture(folder, photograph)
    height, width = pixels.shape[:2]
    squares = [
        crop_square(box, landmarks)
        for box, landmarks in zip(photograph.boxes[usable], photograph.landmarks[usable], strict=True)
    ]
    return [crop_face(pixels, square) for square in squares if 0 <= square.x < width and 0 <= square.y < height]
