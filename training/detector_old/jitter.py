"""How much the box of a still face trembles from frame to frame, in sides of the face.

`python -m training.detector.jitter model_store/face-detector/2/model.onnx --threshold 0.6`
A held-out photograph becomes twelve frames as a resting camera would give them: moved by up to half a pixel each way,
with fresh sensor noise and fresh JPEG compression. That is harsher than a video codec, which carries most of a still
picture over from frame to frame. The known movement is taken out again; what is left is jitter: the mean change of a
box's four edges from one frame to the next, over the side of the face.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from training.detector import probe
from training.detector.average_precision import iou_matrix
from training.detector.data import FloatArray, Image, load_photographs, read_picture
from training.detector.evaluate import sides
from training.detector.predictor import Detector

FRAMES = 12
NOISE = 3.0  # standard deviation, of 255
QUALITY = 70
LEAST = 24.0  # px of the input; the faces that matter for emotion
SOURCES = ("fddb", "portraits", "people")
SAME = 0.5  # overlap (IoU) with the face's label


def frame(picture: Image, shift: FloatArray, rng: np.random.Generator) -> Image:
    """The picture moved by `shift` [2] pixels (x, y), noisy and compressed."""
    height, width = picture.shape[:2]
    matrix = np.column_stack([np.eye(2), shift])
    moved = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    noisy = np.clip(np.rint(moved + rng.normal(0, NOISE, moved.shape)), 0, 255).astype(np.uint8)
    _, encoded = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)


def track(detector: Detector, picture: Image, label: FloatArray, long_side: int, seed: int) -> FloatArray:
    """The box of one face [m, 4] in each of the frames where it was found, the known movement taken out."""
    rng = np.random.default_rng(seed)
    boxes = []
    for _ in range(FRAMES):
        shift = rng.uniform(-0.5, 0.5, 2).astype(np.float32)
        seen = detector.detect(frame(picture, shift, rng), long_side).boxes - np.tile(shift, 2)
        overlaps = iou_matrix(seen, label[None])[:, 0]
        if overlaps.max(initial=0.0) >= SAME:
            boxes.append(seen[int(overlaps.argmax())])
    return np.asarray(boxes, np.float32).reshape(-1, 4)


def measure(detector: Detector, data: Path, long_side: int, about: int = 80) -> dict[str, Any]:
    """Of all that `detector` reports on `about` so many photographs: mean and 95th percentile over faces, and the share
    of frames in which a face was found."""
    photographs = [p for p in load_photographs(data) if p.held_out and p.source in SOURCES]
    trembles: list[float] = []
    seen = frames = 0
    for photograph in photographs[:: max(1, len(photographs) // about)]:
        scale = long_side / max(photograph.width, photograph.height)
        side = sides(photograph.boxes)
        if not (~photograph.ignore & (side * scale >= LEAST)).any():
            continue
        face = int(np.where(photograph.ignore, 0, side).argmax())
        boxes = track(detector, read_picture(data, photograph), photograph.boxes[face], long_side, photograph.index)
        seen, frames = seen + len(boxes), frames + FRAMES
        if len(boxes) > 1:
            trembles.append(float(np.abs(np.diff(boxes, axis=0)).mean() / side[face]))
    return {
        "long_side": long_side,
        "faces": len(trembles),
        "found": round(seen / max(frames, 1), 4),
        "mean": round(float(np.mean(trembles)), 5),
        "p95": round(float(np.percentile(trembles, 95)), 5),
    }


if __name__ == "__main__":
    probe.run(__doc__, measure)
