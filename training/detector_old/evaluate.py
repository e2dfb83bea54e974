"""Measures an ONNX detector (ours or YuNet's) on the held-out photographs.

`python -m training.detector.evaluate model_store/face-detector/1/model.onnx --json runs/detector/ours.json`
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from training.common import digest
from training.detector import thresholds
from training.detector.average_precision import FOUND, Matches, curve, match
from training.detector.data import FloatArray, Photograph, load_photographs, read_picture
from training.detector.findings import curve_points, failures, reliability
from training.detector.predictor import Detections, Detector, open_detector

LONG_SIDES = (640, 320)
SMALLEST_FACE = 16.0
BUCKETS = (16.0, 24.0, 32.0, 64.0, 128.0, 10_000.0)
NEGATIVES = "objects"


@dataclass(frozen=True, eq=False)
class Result:
    """A photograph, its size in the network's input, and what was found (in pixels of the photograph)."""

    photograph: Photograph
    scale: float
    found: Detections


def run(detector: Detector, photographs: list[Photograph], data: Path, long_side: int) -> list[Result]:
    results = []
    for photograph in photographs:
        found = detector.detect(read_picture(data, photograph), long_side)
        results.append(Result(photograph, long_side / max(photograph.width, photograph.height), found))
    return results


def sides(boxes: FloatArray) -> FloatArray:
    """Square root of the area [n]."""
    extent = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    side: FloatArray = np.sqrt(extent[:, 0] * extent[:, 1])
    return side


def judge(results: list[Result], smallest: float, largest: float = 1e9, human: bool = False) -> list[Matches]:
    """Matches per picture. Counted: faces not of `ignore` whose side at the input's scale lies in [smallest, largest);
    with `human`, people's boxes instead of the teacher's (faces without one are left out)."""
    judged = []
    for result in results:
        photograph = result.photograph
        labels, counted = photograph.boxes, ~photograph.ignore
        if human:
            known = ~np.isnan(photograph.human_boxes[:, 0])
            labels = np.where(known[:, None], photograph.human_boxes, photograph.boxes)
            counted = counted & known
        side = sides(labels) * result.scale
        counted = counted & (side >= smallest) & (side < largest)
        judged.append(match(result.found.boxes, result.found.scores, labels, counted))
    return judged


def failures_at(results: list[Result], judged: list[Matches], threshold: float) -> dict[str, Any]:
    """Faces missed and things taken for faces at one score, by size and source."""
    labels = []
    for result in results:
        side = sides(result.photograph.boxes) * np.float32(result.scale)
        labels.append(np.where(~result.photograph.ignore & (side >= SMALLEST_FACE), side, np.nan))
    seen = [sides(result.found.boxes) * np.float32(result.scale) for result in results]
    sources = [result.photograph.source for result in results]
    return failures(judged, sources, labels, seen, threshold, BUCKETS)


def summary(judged: list[Matches]) -> dict[str, Any]:
    whole = curve(judged)
    return {
        "ap50": round(whole.average_precision, 4),
        "recall_at_0.05_fp": round(whole.recall_at(0.05), 4),
        "recall_at_0.01_fp": round(whole.recall_at(0.01), 4),
        "faces": whole.faces,
        "pictures": whole.pictures,
    }


def landmark_error(results: list[Result], judged: list[Matches], threshold: float) -> dict[str, Any]:
    """Mean distance to the teacher's landmarks over the side of the face, for faces found at `threshold`."""
    errors: list[npt.NDArray[np.float32]] = []
    for result, matches in zip(results, judged, strict=True):
        hits = np.flatnonzero((matches.outcome == FOUND) & (matches.scores >= threshold))
        labels = matches.face[hits]
        wanted = result.photograph.landmarks[labels]
        distance = np.linalg.norm(result.found.landmarks[hits] - wanted, axis=2).mean(axis=1)
        error = distance / sides(result.photograph.boxes[labels])
        errors.append(error[np.isfinite(error)])
    every = np.concatenate(errors)
    return {"mean": round(float(every.mean()), 4), "p95": round(float(np.percentile(every, 95)), 4), "n": every.size}


def measure(results: list[Result], threshold: float, shipped: float | None = None) -> dict[str, Any]:
    """Everything said about one detector at one input size; failures at `shipped`, or at the score that
    `thresholds.choose` picks."""
    judged = judge(results, SMALLEST_FACE)
    face_free = [r for r in results if r.photograph.source == NEGATIVES]
    rows = thresholds.table(curve(judged), curve(judge(face_free, SMALLEST_FACE)))
    by_source: dict[str, list[Result]] = {}
    for result in results:
        by_source.setdefault(result.photograph.source, []).append(result)
    return {
        "all": summary(judged),
        "at_least_24": summary(judge(results, 24.0)),
        "at_least_32": summary(judge(results, 32.0)),
        "fddb_people": summary(judge(by_source.get("fddb", []), SMALLEST_FACE, human=True)),
        "by_source": {s: summary(judge(rs, SMALLEST_FACE)) for s, rs in sorted(by_source.items()) if s != NEGATIVES},
        "by_size": {
            f"{low:.0f}-{high:.0f}" if high < BUCKETS[-1] else f"{low:.0f}+": summary(judge(results, low, high))
            for low, high in pairwise(BUCKETS)
        },
        "landmarks": landmark_error(results, judged, threshold),
        "curve": curve_points(curve(judged)),
        "reliability": reliability(judged),
        "failures": failures_at(results, judged, thresholds.choose(rows) if shipped is None else shipped),
        "thresholds": rows,
        "face_free_pictures": len(face_free),
    }


def evaluate(
    path: Path, data: Path, threshold: float = 0.5, limit: int | None = None, shipped: dict[int, float] | None = None
) -> dict[str, Any]:
    """The whole protocol for one ONNX file. threshold: from which landmarks are compared; shipped: the score at which
    failures are counted, by the input's long side."""
    photographs = [p for p in load_photographs(data) if p.held_out][:limit]
    detector = open_detector(path)
    report: dict[str, Any] = {"model": path.name, "sha256": digest.sha256(path), "landmark_threshold": threshold}
    for long_side in LONG_SIDES:
        results = run(detector, photographs, data, long_side)
        report[str(long_side)] = measure(results, threshold, (shipped or {}).get(long_side))
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--threshold", type=float, default=0.5, help="score from which landmarks are compared")
    parser.add_argument("--limit", type=int, help="only the first photographs, for a quick look")
    parser.add_argument("--json", type=Path, help="write the whole report here")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    report = evaluate(arguments.model, arguments.data, arguments.threshold, arguments.limit)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    for long_side in LONG_SIDES:
        part = report[str(long_side)]
        print(f"{long_side} on the long side")
        for name in ("all", "at_least_24", "at_least_32", "fddb_people", "landmarks"):
            print(f"  {name}: {part[name]}")
        for name in ("by_source", "by_size"):
            print(f"  {name}: " + ", ".join(f"{k} {v['ap50']} (n={v['faces']})" for k, v in part[name].items()))
        for row in part["thresholds"]:
            print(f"  {row}")


if __name__ == "__main__":
    main()
