"""What average precision alone does not say: the curve itself, what a score is worth, and which faces are lost."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np

from training.detector.average_precision import FOUND, LEFT_OUT, WRONG, Curve, Matches
from training.detector.data import FloatArray

RECALLS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975)
SCORES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01)
Rows = list[dict[str, Any]]


def curve_points(whole: Curve) -> Rows:
    """Where the precision-recall curve first reaches each of `RECALLS`: precision, score, false positives a picture."""
    rows: Rows = []
    for recall in RECALLS:
        reached = np.flatnonzero(whole.recall >= recall)
        if reached.size:
            first = int(reached[0])
            rows.append(
                {
                    "recall": recall,
                    "precision": round(float(whole.precision[first]), 4),
                    "score": round(float(whole.scores[first]), 3),
                    "fp_a_picture": round(float(whole.wrong_a_picture[first]), 4),
                }
            )
    return rows


def reliability(judged: list[Matches]) -> Rows:
    """By the score of a detection: how many there are, their mean score, and the share of them that is right."""
    scores = np.concatenate([m.scores for m in judged])
    outcome = np.concatenate([m.outcome for m in judged])
    rows: Rows = []
    for low, high in pairwise(SCORES):
        inside = (scores >= low) & (scores < high) & (outcome != LEFT_OUT)
        if inside.any():
            rows.append(
                {
                    "from": low,
                    "to": min(high, 1.0),
                    "n": int(inside.sum()),
                    "mean_score": round(float(scores[inside].mean()), 3),
                    "right": round(float((outcome[inside] == FOUND).mean()), 3),
                }
            )
    return rows


def failures(
    judged: list[Matches],
    sources: list[str],
    label_sides: list[FloatArray],
    found_sides: list[FloatArray],
    threshold: float,
    buckets: tuple[float, ...],
) -> dict[str, Any]:
    """Counts at one threshold. label_sides: sides of the faces that count, NaN for the others, a photograph each;
    found_sides: sides of the detections in the order of their scores; both in pixels of the input."""
    missed, faces, wrong = Counter[str](), Counter[str](), Counter[str]()
    missed_of, faces_of, wrong_of = Counter[str](), Counter[str](), Counter[str]()
    for matches, source, sides, seen in zip(judged, sources, label_sides, found_sides, strict=True):
        sure = matches.scores >= threshold
        hits = set(matches.face[sure & (matches.outcome == FOUND)].tolist())
        for face in np.flatnonzero(np.isfinite(sides)).tolist():
            size = bucket(float(sides[face]), buckets)
            faces[size] += 1
            faces_of[source] += 1
            missed[size] += face not in hits
            missed_of[source] += face not in hits
        for side in seen[sure & (matches.outcome == WRONG)].tolist():
            wrong[bucket(side, buckets)] += 1
            wrong_of[source] += 1
    return {
        "threshold": threshold,
        "by_size": {name: _counts(name, faces, missed, wrong) for name in bucket_names(buckets)},
        "by_source": {name: _counts(name, faces_of, missed_of, wrong_of) for name in sorted(set(sources))},
    }


def bucket_names(buckets: tuple[float, ...]) -> list[str]:
    """`under 16`, `16-24`, ... `128+` for the edges of `buckets`, of which the last stands for no limit."""
    ranges = [f"{low:.0f}-{high:.0f}" for low, high in pairwise(buckets[:-1])]
    return [f"under {buckets[0]:.0f}", *ranges, f"{buckets[-2]:.0f}+"]


def bucket(side: float, buckets: tuple[float, ...]) -> str:
    """The name of the bucket that a side lies in."""
    return bucket_names(buckets)[int(np.searchsorted(buckets[:-1], side, side="right"))]


def _counts(name: str, faces: Counter[str], missed: Counter[str], wrong: Counter[str]) -> dict[str, int]:
    return {"faces": faces[name], "missed": missed[name], "wrong": wrong[name]}
