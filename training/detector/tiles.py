"""FER+ training tiles as extra faces: tight, grey, expressive, and pasted where photographs have none.

The teacher labels each tile once, enlarged amid a plain margin. Beside every tile patches of other photographs are
pasted in the same way, so that a pasted rim or a grey square is never by itself a sign of a face.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from training.detector.augment import Sample
from training.detector.data import FloatArray, Image
from training.detector.predictor import YunetDetector
from training.emotion import data as emotion_data

NO_FACE = 9  # the votes' column for "not a face"
_SIDE = 160  # px of a tile while the teacher looks at it


@dataclass(frozen=True, eq=False)
class Tiles:
    """images uint8 [n, 48, 48] grey; boxes [n, 4] x1 y1 x2 y2 and landmarks [n, 5, 2] in sides of the tile."""

    images: npt.NDArray[np.uint8]
    boxes: FloatArray
    landmarks: FloatArray


def load_tiles(data: Path, teacher: Path, cache: Path, surest: float = 0.6) -> Tiles:
    """The training tiles that the teacher is sure of, labelled by it; kept in `cache`, an .npz."""
    if not cache.exists():
        detector = YunetDetector(teacher, lowest=surest)
        found = emotion_data.load(data, "train")
        images, boxes, landmarks = [], [], []
        for tile, votes in zip(found.images, found.votes, strict=True):
            seen = detector.detect(_padded(tile), 2 * _SIDE)
            if len(seen.boxes) and votes[NO_FACE] < 2:
                images.append(tile)
                boxes.append((seen.boxes[0] - _SIDE / 2) / _SIDE)
                landmarks.append((seen.landmarks[0] - _SIDE / 2) / _SIDE)
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(cache, images=np.stack(images), boxes=np.stack(boxes), landmarks=np.stack(landmarks))
    with np.load(cache) as kept:
        return Tiles(kept["images"], kept["boxes"].astype(np.float32), kept["landmarks"].astype(np.float32))


def paste_tiles(sample: Sample, tiles: Tiles, others: Image, rng: np.random.Generator) -> Sample:
    """A copy of `sample` with one to three tiles, and as many patches of `others` (a picture without faces)."""
    picture = sample.picture.copy()
    height, width = picture.shape[:2]
    taken, boxes, landmarks = list(sample.boxes), [], []
    rim = rng.uniform(0, 0.08)
    toned = rng.random() < 0.6
    for _ in range(int(rng.integers(1, 4))):
        for is_face in (True, False):
            side = int(np.exp(rng.uniform(np.log(28), np.log(0.9 * min(height, width)))))
            x, y = int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))
            place = np.array([x, y, x + side, y + side], np.float32)
            if any(_touch(place, box) for box in taken):
                continue
            taken.append(place)
            pick = int(rng.integers(len(tiles.images)))
            patch = tiles.images[pick] if is_face else _any_patch(others, rng)
            _blend(picture, patch, x, y, side, rim, rng.uniform(0.55, 1.45, 3) if toned else np.ones(3))
            if is_face:
                boxes.append(tiles.boxes[pick] * side + np.array([x, y, x, y]))
                landmarks.append(tiles.landmarks[pick] * side + np.array([x, y]))
    count = len(boxes)
    return Sample(
        picture,
        np.concatenate([sample.boxes, np.asarray(boxes, np.float32).reshape(count, 4)]),
        np.concatenate([sample.landmarks, np.asarray(landmarks, np.float32).reshape(count, 5, 2)]),
        np.concatenate([sample.ignore, np.zeros(count, np.bool_)]),
    )


def _padded(tile: npt.NDArray[np.uint8]) -> Image:
    face = cv2.resize(tile, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    picture = np.full((2 * _SIDE, 2 * _SIDE), round(float(tile.mean())), np.uint8)
    picture[_SIDE // 2 : -_SIDE // 2, _SIDE // 2 : -_SIDE // 2] = face
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), np.uint8)


def _any_patch(others: Image, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    height, width = others.shape[:2]
    side = int(rng.integers(min(height, width) // 6, min(height, width) // 2))
    x, y = int(rng.integers(0, width - side)), int(rng.integers(0, height - side))
    grey = cv2.cvtColor(others[y : y + side, x : x + side], cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA), np.uint8)


def _touch(one: FloatArray, other: FloatArray) -> bool:
    return bool((np.minimum(one[2:], other[2:]) > np.maximum(one[:2], other[:2])).all())


def _blend(
    picture: Image, patch: npt.NDArray[np.uint8], x: int, y: int, side: int, rim: float, tone: npt.NDArray[np.float64]
) -> None:
    """Lays `patch` over the square at (x, y) in place, its colours times `tone`, its rim feathered over `rim` sides."""
    method = cv2.INTER_AREA if side < 48 else cv2.INTER_CUBIC
    large = cv2.resize(patch, (side, side), interpolation=method).astype(np.float32)
    colours = np.clip(large[..., None] * tone, 0, 255)
    inwards = np.minimum(np.arange(side) + 0.5, side - np.arange(side) - 0.5)
    ramp = np.clip(inwards / max(1.0, rim * side), 0, 1)
    weight = np.minimum(ramp[:, None], ramp[None, :])[..., None]
    part = picture[y : y + side, x : x + side]
    part[:] = np.rint(colours * weight + part * (1 - weight)).astype(np.uint8)
