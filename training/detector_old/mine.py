"""Finds what an edition takes for faces in the training photographs, so that the next one can learn from it.

`python -m training.detector.mine model_store/face-detector/1/model.onnx --out runs/detector/cache/mistakes.json`
A find that overlaps no label is doubtful where the teacher sees at least a hint of a face, and wrong where it does not.
Held-out photographs are never looked at.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from training.detector.average_precision import iou_matrix
from training.detector.data import FloatArray, Image, Photograph, PixelCache, load_photographs
from training.detector.predictor import Detector, YunetDetector, open_detector, suppress

LONG_SIDES = (320, 640)
HINT = 0.2  # the teacher's score from which a find is left open
SAME = 0.3  # overlap (IoU) from which two boxes speak of the same thing


def finds(detector: Detector, picture: Image) -> FloatArray:
    """Boxes [n, 4] x1 y1 x2 y2 of everything seen at any of the input sizes."""
    seen = [detector.detect(picture, side) for side in LONG_SIDES]
    boxes = np.concatenate([s.boxes for s in seen])
    return boxes[suppress(boxes, np.concatenate([s.scores for s in seen]))]


def mistakes(
    photograph: Photograph, picture: Image, detector: Detector, teacher: Detector
) -> dict[str, list[list[float]]]:
    """Finds without a label, in pixels of the photograph: {"wrong": boxes, "doubtful": boxes}."""
    boxes = finds(detector, picture)
    labelled = (iou_matrix(boxes, photograph.boxes) >= SAME).any(axis=1)
    boxes = boxes[~labelled]
    if not len(boxes):
        return {"wrong": [], "doubtful": []}
    hinted = (iou_matrix(boxes, finds(teacher, picture)) >= SAME).any(axis=1)
    return {"wrong": _rows(boxes[~hinted]), "doubtful": _rows(boxes[hinted])}


def _rows(boxes: FloatArray) -> list[list[float]]:
    return [[round(float(value), 1) for value in box] for box in boxes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("runs/detector/cache/photographs.bgr"))
    parser.add_argument("--teacher", type=Path, default=Path("../shared/teacher/yunet_n.onnx"))
    parser.add_argument("--believed", type=float, default=0.3, help="score below which a find costs nothing")
    parser.add_argument("--out", type=Path, default=Path("runs/detector/cache/mistakes.json"))
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    photographs = load_photographs(arguments.data)
    pixels = PixelCache(arguments.cache, photographs)
    pixels.build(arguments.data, photographs)
    detector, teacher = open_detector(arguments.model, arguments.believed), YunetDetector(arguments.teacher, HINT)
    found = {
        photograph.file: mistakes(photograph, pixels[i], detector, teacher)
        for i, photograph in enumerate(photographs)
        if not photograph.held_out
    }
    found = {file: kinds for file, kinds in found.items() if any(kinds.values())}
    arguments.out.write_text(json.dumps(found), encoding="utf-8")
    counts = {kind: sum(len(kinds[kind]) for kinds in found.values()) for kind in ("wrong", "doubtful")}
    print(f"{arguments.out}: {counts} in {len(found)} photographs")


if __name__ == "__main__":
    main()
