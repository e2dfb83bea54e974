"""Whether faces that fill most of a picture are found: crops of held-out photographs about one face each.

`python -m training.detector.large_faces model_store/face-detector/2/model.onnx --threshold 0.6`
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from training.detector import probe
from training.detector.average_precision import FOUND, match
from training.detector.data import FloatArray, Image, load_photographs, read_picture
from training.detector.evaluate import sides
from training.detector.predictor import Detector

SHARES = (0.6, 0.75, 0.9, 1.0)  # of the crop's side, by the larger side of the face's box
LEAST = 48.0  # px; a smaller face, enlarged to fill a picture, is a blur
SOURCES = ("fddb", "portraits", "people")


def crop_about(picture: Image, box: FloatArray, share: float) -> tuple[Image, FloatArray] | None:
    """The square of which `box` [4] takes this share, moved into the picture, and the box in it; None if too large."""
    height, width = picture.shape[:2]
    side = round(float((box[2:] - box[:2]).max()) / share)
    if side > min(height, width):
        return None
    corner = np.clip(np.rint((box[:2] + box[2:] - side) / 2), 0, [width - side, height - side]).astype(int)
    part = picture[corner[1] : corner[1] + side, corner[0] : corner[0] + side]
    return part, (box - np.tile(corner, 2)).astype(np.float32)


def measure(detector: Detector, data: Path, long_side: int) -> dict[str, Any]:
    """Recall a share, of all that `detector` reports; other faces that a crop happens to show count neither way."""
    photographs = [p for p in load_photographs(data) if p.held_out and p.source in SOURCES]
    found, faces = dict.fromkeys(SHARES, 0), dict.fromkeys(SHARES, 0)
    for photograph in photographs:
        picture = read_picture(data, photograph)
        for face in np.flatnonzero(~photograph.ignore & (sides(photograph.boxes) >= LEAST)):
            for share in SHARES:
                cropped = crop_about(picture, photograph.boxes[face], share)
                if cropped is None:
                    continue
                seen = detector.detect(cropped[0], long_side)
                matches = match(seen.boxes, seen.scores, cropped[1][None], np.ones(1, np.bool_))
                faces[share] += 1
                found[share] += bool((matches.outcome == FOUND).any())
    rows = [{"share": s, "n": faces[s], "recall": round(found[s] / max(faces[s], 1), 3)} for s in SHARES]
    return {"long_side": long_side, "rows": rows}


if __name__ == "__main__":
    probe.run(__doc__, measure)
