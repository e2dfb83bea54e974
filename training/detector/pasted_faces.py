"""FER+ training crops as extra faces: tight, grey, expressive, and pasted into photographs.

The teacher labels each crop once, enlarged within a plain margin. Where it is not sure of one in which the crowd sees a
face (a hand before the mouth, a profile, a scream that fills the crop), the crop is hard for the student as well, and
shown more often than it is frequent. For each crop a patch of another photograph is pasted in the same way, so that a
pasted rim or a grey square is never by itself a sign of a face.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from mien.vision.boxes import Detections
from training.detector.augment import Sample
from training.detector.average_precision import iou_matrix
from training.detector.data import FloatArray, Image
from training.detector.predictor import Detector
from training.emotion import data as emotion_data

NO_FACE = 9  # the votes' column for "not a face"
_SIDE = 160  # px of an enlarged crop
_SURE = 0.6  # the teacher's score from which its label is taken; below, only a box near the usual one
_SAME = 0.5  # overlap (IoU)
_HARD_SHARE = 0.2  # of the pasted crops

Label = tuple[FloatArray, FloatArray, bool]  # box [4] and landmarks [5, 2] in sides of the crop; is the teacher sure?
# Where faces lie in crops: the median of the teacher's boxes, x1 y1 x2 y2 in sides of the crop.
USUAL_BOX = np.array([0.11, 0.01, 0.89, 1.01], np.float32)
USUAL_LABEL: Label = (USUAL_BOX, np.full((5, 2), np.nan, np.float32), False)


@dataclass(frozen=True, eq=False)
class PastedFaces:
    """images uint8 [n, 48, 48] grey; boxes [n, 4] x1 y1 x2 y2 and landmarks [n, 5, 2] (NaN: unknown) in sides of the
    crop; hard [n]: the teacher was not sure of it."""

    images: npt.NDArray[np.uint8]
    boxes: FloatArray
    landmarks: FloatArray
    hard: npt.NDArray[np.bool_]

    def pick(self, rng: np.random.Generator) -> int:
        """The index of a crop, a hard one in a fifth of the cases."""
        hard = np.flatnonzero(self.hard)
        if len(hard) and rng.random() < _HARD_SHARE:
            return int(hard[rng.integers(len(hard))])
        return int(rng.integers(len(self.images)))


def save_pasted_faces(path: Path, data: Path, teacher: Detector | None, limit: int = 0) -> None:
    """Write the training crops in which at most one rater sees no face to `path`, an .npz: labelled by the teacher
    where it is sure, with the usual box where it is not. `limit`: only the first so many crops; 0: all."""
    found = emotion_data.load(data, "train")
    shown = found.images[: limit or None][found.votes[: limit or None, NO_FACE] < 2]
    labelled = [_labelled(teacher.detect(_padded(crop), 2 * _SIDE)) if teacher else USUAL_LABEL for crop in shown]
    boxes, landmarks, sure = zip(*labelled, strict=True)
    np.savez(path, images=shown, boxes=np.stack(boxes), landmarks=np.stack(landmarks), hard=~np.asarray(sure))


def load_pasted_faces(path: Path) -> PastedFaces:
    """What `save_pasted_faces` wrote."""
    with np.load(path) as read:
        boxes, landmarks = (read[name].astype(np.float32) for name in ("boxes", "landmarks"))
        return PastedFaces(read["images"], boxes, landmarks, read["hard"])


def _labelled(found: Detections) -> Label:
    boxes, landmarks = (found.boxes - _SIDE / 2) / _SIDE, (found.landmarks - _SIDE / 2) / _SIDE
    if len(boxes) and found.scores[0] >= _SURE:
        return boxes[0], landmarks[0], True
    likely = np.flatnonzero(iou_matrix(boxes.astype(np.float32), USUAL_BOX[None])[:, 0] >= _SAME)
    if len(likely):
        return boxes[likely[0]], landmarks[likely[0]], False
    return USUAL_LABEL


def paste_faces(sample: Sample, crops: PastedFaces, others: Image, rng: np.random.Generator) -> Sample:
    """A copy of `sample` with one to three crops, and as many patches of `others` (a picture without faces)."""
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
            pick = crops.pick(rng)
            patch = crops.images[pick] if is_face else _any_patch(others, rng)
            blend(picture, patch, x, y, side, rim, rng.uniform(0.55, 1.45, 3) if toned else np.ones(3))
            if is_face:
                boxes.append(crops.boxes[pick] * side + np.array([x, y, x, y]))
                landmarks.append(crops.landmarks[pick] * side + np.array([x, y]))
    count = len(boxes)
    return Sample(
        picture,
        np.concatenate([sample.boxes, np.asarray(boxes, np.float32).reshape(count, 4)]),
        np.concatenate([sample.landmarks, np.asarray(landmarks, np.float32).reshape(count, 5, 2)]),
        np.concatenate([sample.ignore, np.zeros(count, np.bool_)]),
    )


def _padded(crop: npt.NDArray[np.uint8]) -> Image:
    face = cv2.resize(crop, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    picture = np.full((2 * _SIDE, 2 * _SIDE), round(float(crop.mean())), np.uint8)
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


def blend(
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
