"""Measures a detector, ours or the peer, on the held-out photographs.

`python -m training.detector.evaluate model_store/face-detector/3/model.onnx [--peer ../shared/teacher/yunet_n.onnx]`
"""

import argparse
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mien.vision.boxes import Detections
from mien.vision.calibration import ScoreCalibration
from training.detector.average_precision import FOUND, LEFT_OUT, Curve, Matches, curve, match
from training.detector.data import FloatArray, Photograph, load_photographs, read_picture
from training.detector.predictor import ACCURATE, FAST, Detector, Ours, Yunet
from training.emotion.metrics import calibration_error

MIN_FACE = 16.0  # px of the input, root of the area: smaller labelled faces count neither way
SIZES = (8.0, 16.0, 32.0, 96.0, 1e9)  # px of the input
CALIBRATED_FROM = 0.1  # score: the tail below is no answer to anyone
NEGATIVES = "objects"  # the source of the photographs without any face
CHOICES = tuple(round(0.2 + 0.02 * i, 2) for i in range(38))
# Most false positives per held-out photograph, and per face-free one, at a threshold.
MAX_WRONG, MAX_WRONG_FACE_FREE = 0.05, 0.01

MIN_GAIN = 0.05  # so that more score is never less probability, of however bad a detector

Report = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Result:
    """A photograph, its scale in the network's input, and what was detected (in pixels of the photograph)."""

    photograph: Photograph
    scale: float
    found: Detections


def run(detector: Detector, photographs: list[Photograph], data: Path, long_side: int) -> list[Result]:
    """Detect in every photograph, fitted to `long_side`."""
    return [
        Result(
            photograph,
            long_side / max(photograph.width, photograph.height),
            detector.detect(read_picture(data, photograph), long_side),
        )
        for photograph in photographs
    ]


def sides(boxes: FloatArray) -> FloatArray:
    """Root of the area of boxes [n, 4]: [n]."""
    extent = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    side: FloatArray = np.sqrt(extent[:, 0] * extent[:, 1])
    return side


def judge(results: list[Result], smallest: float = MIN_FACE, *, people: bool = False) -> list[Matches]:
    """Matches per picture. Counted: faces that are not `ignore` and have `smallest` px at the input's scale; with
    `people`, people's boxes instead of the teacher's (faces without one are left out)."""
    judged = []
    for result in results:
        photograph = result.photograph
        labels, counted = photograph.boxes, ~photograph.ignore
        if people:
            known = ~np.isnan(photograph.human_boxes[:, 0])
            labels = np.where(known[:, None], photograph.human_boxes, photograph.boxes)
            counted = counted & known
        counted = counted & (sides(labels) * result.scale >= smallest)
        judged.append(match(result.found.boxes, result.found.scores, labels, counted))
    return judged


def presence(results: list[Result]) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
    """All detections that count: scores [n], sides in pixels of the input [n], and whether each is a face [n]."""
    scores, extent, right = [], [], []
    for result, matches in zip(results, judge(results, smallest=0.0), strict=True):
        counts = matches.outcome != LEFT_OUT
        scores.append(result.found.scores[counts])
        extent.append(sides(result.found.boxes)[counts] * np.float32(result.scale))
        right.append(matches.outcome[counts] == FOUND)
    return np.concatenate(scores), np.concatenate(extent), np.concatenate(right)


def fit(scores: FloatArray, right: npt.NDArray[np.bool_], steps: int = 50) -> ScoreCalibration:
    """The calibration of greatest likelihood for detections [n] and whether each is a face. Newton's method.

    Of `presence`, it is alike for all sizes: a term for the size of the box made no size better (docs/experiments.md).
    """
    clipped = np.clip(scores.astype(np.float64), 1e-6, 1 - 1e-6)
    features = np.stack([np.log(clipped / (1 - clipped)), np.ones_like(clipped)], axis=1)
    weights, ridge = np.array([1.0, 0.0]), 1e-3 * np.eye(2)
    for _ in range(steps):
        chance = 1 / (1 + np.exp(-np.clip(features @ weights, -30, 30)))
        gradient = features.T @ (right - chance) - ridge @ (weights - [1.0, 0.0])
        curvature = (features * (chance * (1 - chance))[:, None]).T @ features + ridge
        move = np.linalg.solve(curvature, gradient)
        weights = weights + move / max(1.0, float(np.abs(move).max()))  # detections that a line tells apart: no leaps
    return ScoreCalibration(max(float(weights[0]), MIN_GAIN), float(weights[1]))


def calibrate(detector: Detector, photographs: list[Photograph], data: Path) -> ScoreCalibration:
    """Of a detector's scores, on held-out photographs at both input sizes."""
    parts = [presence(run(detector, photographs, data, side)) for side in (FAST, ACCURATE)]
    scores, right = (np.concatenate([part[index] for part in parts]) for index in (0, 2))
    return fit(scores, right.astype(np.bool_))


def measure(results: list[Result]) -> Report:
    """What is said about one detector at one input size."""
    judged = judge(results)
    by_source = [result for result in results if result.photograph.source == "fddb"]
    face_free = curve(judge([result for result in results if result.photograph.source == NEGATIVES]))
    scores, extent, right = presence(results)
    return {
        "all": _summary(judged),
        "at_least_24": _summary(judge(results, 24.0)),
        "fddb_people": _summary(judge(by_source, people=True)),
        "threshold": choose(curve(judged), face_free),
        "calibration": {
            f"{low:.0f}-{high:.0f}" if high < 1e9 else f"{low:.0f}+": {
                "error": calibration_error(scores[inside], right[inside], bins=10),
                "n": int(inside.sum()),
            }
            for low, high in pairwise(SIZES)
            for inside in [(extent >= low) & (extent < high) & (scores >= CALIBRATED_FROM)]
            if inside.any()
        },
    }


def choose(whole: Curve, face_free: Curve) -> float:
    """The lowest threshold from which on both limits are kept; the highest choice where none keeps them."""
    chosen = CHOICES[-1]
    for threshold in reversed(CHOICES):
        wrong, on_face_free = (each.at_threshold(threshold)[2] for each in (whole, face_free))
        if wrong > MAX_WRONG or on_face_free > MAX_WRONG_FACE_FREE:
            break
        chosen = threshold
    return chosen


def evaluate(detector: Detector, photographs: list[Photograph], data: Path) -> dict[str, Report]:
    """The whole protocol for one detector: a report per input size."""
    return {str(side): measure(run(detector, photographs, data, side)) for side in (FAST, ACCURATE)}


def _summary(judged: list[Matches]) -> Report:
    whole = curve(judged)
    return {
        "ap50": round(whole.average_precision, 4) if whole.faces else None,
        "faces": whole.faces,
    }


def main() -> None:
    """Print the headlines of a file, beside the peer's where one is named."""
    parser = argparse.ArgumentParser(prog="python -m training.detector.evaluate", description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    cv2.setNumThreads(1)
    photographs = [photograph for photograph in load_photographs(options.data) if photograph.held_out]
    calibration = calibrate(Ours(options.model), photographs, options.data)
    print(f"calibration: gain = {calibration.gain:.4f}, bias = {calibration.bias:.4f}")
    detectors: dict[str, Detector] = {"ours": Ours(options.model, calibration=calibration)}
    if options.peer:
        detectors["peer"] = Yunet(options.peer)
    for name, detector in detectors.items():
        for side, report in evaluate(detector, photographs, options.data).items():
            print(f"{name} at {side}: threshold {report['threshold']}")
            for part in ("all", "at_least_24", "fddb_people", "calibration"):
                print(f"  {part}: {report[part]}")


if __name__ == "__main__":
    main()
