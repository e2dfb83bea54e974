"""From which score on a detection is reported: what each choice costs, and the rule that chooses."""

from __future__ import annotations

from typing import Any

from training.detector.average_precision import Curve

CHOICES = tuple(round(0.2 + 0.02 * i, 2) for i in range(38))
# the lowest score with at most this many false positives a held-out photograph, and on a face-free one
MOST_WRONG = 0.05
MOST_WRONG_FACE_FREE = 0.01
# What the mean over several looks needs (`mien.vision.consensus`): more likely a face than not. No held-out
# photograph without faces has anything above 0.43.
AGREED = 0.5


def table(whole: Curve, face_free: Curve) -> list[dict[str, Any]]:
    """A row a choice: recall, precision and false positives a picture, and those on photographs without faces."""
    rows = []
    for threshold in CHOICES:
        recall, precision, wrong = whole.at_threshold(threshold)
        rows.append(
            {
                "threshold": threshold,
                "recall": round(recall, 4),
                "precision": round(precision, 4),
                "fp_a_picture": round(wrong, 4),
                "fp_a_face_free_picture": round(face_free.at_threshold(threshold)[2], 4),
            }
        )
    return rows


def choose(rows: list[dict[str, Any]]) -> float:
    """The lowest score that keeps both limits at one input size; the highest on the list where none does."""
    falling = sorted(rows, key=lambda row: -row["threshold"])
    chosen = falling[0]["threshold"]
    for row in falling:
        if row["fp_a_picture"] > MOST_WRONG or row["fp_a_face_free_picture"] > MOST_WRONG_FACE_FREE:
            break
        chosen = row["threshold"]
    return float(chosen)


def at(rows: list[dict[str, Any]], threshold: float) -> dict[str, Any]:
    """The row nearest to `threshold`."""
    return min(rows, key=lambda row: abs(row["threshold"] - threshold))
