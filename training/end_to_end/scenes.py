"""FER+ tiles as a camera might have taken them: pasted into photographs without faces, or on a plain ground."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.detector.data import load_photographs, read_picture

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """``pixels`` uint8 [h, w, 3] BGR with one tile pasted at (x, y), ``side`` pixels wide and high."""

    pixels: Pixels
    x: int
    y: int
    side: int


def face_free_photographs(data: Path, count: int) -> list[Pixels]:
    """The first held-out photographs without any face, so that the detector was never trained on them."""
    chosen = [photo for photo in load_photographs(data) if photo.held_out and photo.source == "objects"]
    return [read_picture(data, photo) for photo in chosen[:count]]


def pasted(tile: Pixels, ground: Pixels, side: int, rng: np.random.Generator) -> Scene:
    """``tile`` [48, 48] enlarged to ``side`` and blended into ``ground`` at a random place, its rim feathered."""
    height, width = ground.shape[:2]
    side = min(side, height, width)
    x, y = int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))
    face = cv2.cvtColor(cv2.resize(tile, (side, side), interpolation=cv2.INTER_CUBIC), cv2.COLOR_GRAY2BGR)
    pixels = ground.copy()
    part = pixels[y : y + side, x : x + side].astype(np.float32)
    weight = _feather(side)
    pixels[y : y + side, x : x + side] = (face * weight + part * (1 - weight)).round().astype(np.uint8)
    return Scene(pixels, x, y, side)


def padded(tile: Pixels, side: int, margin: float = 0.5) -> Scene:
    """``tile`` enlarged to ``side`` amid ``margin`` sides of its own mean grey."""
    border = round(side * margin)
    face = cv2.resize(tile, (side, side), interpolation=cv2.INTER_CUBIC)
    grey = cv2.copyMakeBorder(face, border, border, border, border, cv2.BORDER_CONSTANT, value=[float(tile.mean())])
    return Scene(np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), dtype=np.uint8), border, border, side)


def _feather(side: int) -> NDArray[np.float32]:
    """Weight [side, side, 1] that falls to 0 over the outermost 3 %."""
    ramp = np.minimum(np.arange(side) + 0.5, side - np.arange(side) - 0.5) / max(1.0, 0.03 * side)
    edge = np.clip(ramp, 0, 1).astype(np.float32)
    weight: NDArray[np.float32] = np.minimum(edge[:, None], edge[None, :])[..., None]
    return weight
