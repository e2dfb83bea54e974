"""How many faces are still found when the picture is turned, and how far their landmarks are off.

`python -m training.detector.turned runs/detector/int8.onnx --threshold 0.62`
Held-out FDDB photographs and portraits, turned about their middle and grown so that nothing is cut.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from training.detector import probe
from training.detector.augment import Matrix, move_boxes, move_points
from training.detector.average_precision import FOUND, match
from training.detector.data import Image, load_photographs, read_picture
from training.detector.evaluate import sides
from training.detector.predictor import Detector

ANGLES = (0, 15, 30, 45, 60, 90, 180)
SOURCES = ("fddb", "portraits")


def turn(picture: Image, degrees: float) -> tuple[Image, Matrix]:
    """The picture turned counter-clockwise on a black ground that holds all of it, and the 2x3 matrix that did it."""
    height, width = picture.shape[:2]
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0), np.float64)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    new_width, new_height = round(height * sin + width * cos), round(height * cos + width * sin)
    matrix[:, 2] += [(new_width - width) / 2, (new_height - height) / 2]
    return np.asarray(cv2.warpAffine(picture, matrix, (new_width, new_height)), np.uint8), matrix


def measure(detector: Detector, data: Path, long_side: int) -> dict[str, Any]:
    """Recall and mean landmark error over the face's side, an angle each, of all that `detector` reports."""
    photographs = [p for p in load_photographs(data) if p.held_out and p.source in SOURCES]
    rows = []
    for angle in ANGLES:
        found = faces = 0
        errors: list[float] = []
        for photograph in photographs:
            picture, matrix = turn(read_picture(data, photograph), angle)
            seen = detector.detect(picture, long_side)
            boxes, landmarks = move_boxes(photograph.boxes, matrix), move_points(photograph.landmarks, matrix)
            matches = match(seen.boxes, seen.scores, boxes, ~photograph.ignore)
            hits = np.flatnonzero(matches.outcome == FOUND)
            labels = matches.face[hits]
            distance = np.linalg.norm(seen.landmarks[hits] - landmarks[labels], axis=2).mean(axis=1)
            errors += [float(e) for e in distance / sides(photograph.boxes[labels]) if np.isfinite(e)]
            found, faces = found + len(hits), faces + matches.faces
        error = float(np.mean(errors)) if errors else float("nan")
        rows.append({"degrees": angle, "recall": round(found / max(faces, 1), 3), "landmark_error": round(error, 3)})
    return {"long_side": long_side, "faces": faces, "rows": rows}


if __name__ == "__main__":
    probe.run(__doc__, measure)
