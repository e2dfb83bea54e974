"""The detector as the service runs it: every look of `fast` and `accurate`, thresholds, votes, smallest face."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from mien.domain import AnalyzeOptions, DetectorMode, F32Array, U8Array
from mien.runtime import Session
from mien.vision.detector import OUTPUTS, DetectorSpec, FaceDetector
from mien.vision.heads import second_boxes
from mien.vision.multiscale import HINT, look
from training.detector import thresholds
from training.detector.average_precision import curve
from training.detector.data import Image, Photograph
from training.detector.evaluate import NEGATIVES, SMALLEST_FACE, judge, run
from training.detector.predictor import MULTIPLE, NMS_IOU, STRIDES, Detections, open_session


class _Runner:
    """Runs a file outside the store, as `mien.runtime.Session` runs one inside."""

    def __init__(self, path: Path) -> None:
        self._session = open_session(path)

    def run(self, images: U8Array) -> list[F32Array]:
        return list(self._session.run(list(OUTPUTS), {"images": images}))


class ServedDetector:
    """Behind the protocol of `predictor.Detector`: its smaller side stands for `fast`, the larger for `accurate`."""

    def __init__(self, path: Path, chosen: dict[int, float]) -> None:
        fast, accurate = sorted(chosen)
        spec = DetectorSpec(
            STRIDES, MULTIPLE, chosen[fast], chosen[accurate], thresholds.AGREED, NMS_IOU, fast, accurate
        )
        self._detector = FaceDetector(cast("Session", _Runner(path)), spec)

    def detect(self, picture: Image, long_side: int) -> Detections:
        spec = self._detector.spec
        mode = DetectorMode.FAST if long_side == spec.fast_long_side else DetectorMode.ACCURATE
        seen = look(self._detector, picture, mode)
        seen = seen.only(~second_boxes(seen))
        # What is smaller is not reported unless it is asked for; mostly such finds are lamps and letters.
        seen = seen.only(
            (seen.boxes[:, 2:] - seen.boxes[:, :2]).min(axis=1, initial=np.inf) >= AnalyzeOptions().min_face
        )
        order = np.argsort(-seen.scores, kind="stable")
        return Detections(seen.boxes[order], seen.scores[order], seen.landmarks[order])


def _asked_for(photographs: list[Photograph]) -> list[Photograph]:
    """The photographs with faces that the service leaves out for their size neither asked for nor held against it."""
    least = AnalyzeOptions().min_face
    return [replace(p, ignore=p.ignore | ((p.boxes[:, 2:] - p.boxes[:, :2]).min(axis=1) < least)) for p in photographs]


def threshold_table(
    model: Path, photographs: list[Photograph], data: Path, fast: int, accurate: int
) -> list[dict[str, Any]]:
    """What each score would cost `accurate`, whose looks check one another: see `thresholds.table`. From `HINT` on:
    at lower ones the smaller look would bear out more."""
    detector = ServedDetector(model, dict.fromkeys((fast, accurate), HINT))
    results = run(detector, _asked_for(photographs), data, accurate)
    face_free = [r for r in results if r.photograph.source == NEGATIVES]
    rows = thresholds.table(curve(judge(results, SMALLEST_FACE)), curve(judge(face_free, SMALLEST_FACE)))
    return [row for row in rows if row["threshold"] >= HINT]


def measure(model: Path, photographs: list[Photograph], data: Path, chosen: dict[int, float]) -> list[dict[str, Any]]:
    """A row a mode: recall of faces that have 16 px at the mode's input and in the photograph, false positives a
    picture and a face-free one, each with its count."""
    detector = ServedDetector(model, chosen)
    rows = []
    for long_side, mode in zip(sorted(chosen), DetectorMode, strict=True):
        results = run(detector, _asked_for(photographs), data, long_side)
        face_free = [r for r in results if r.photograph.source == NEGATIVES]
        whole, empty = curve(judge(results, SMALLEST_FACE)), curve(judge(face_free, SMALLEST_FACE))
        recall, _, wrong = whole.at_threshold(0.0)
        rows.append(
            {
                "mode": mode.value,
                "long_side": long_side,
                "recall": round(recall, 4),
                "faces": whole.faces,
                "fp_a_picture": round(wrong, 4),
                "pictures": whole.pictures,
                "fp_a_face_free_picture": round(empty.at_threshold(0.0)[2], 4),
                "face_free_pictures": empty.pictures,
            }
        )
    return rows
