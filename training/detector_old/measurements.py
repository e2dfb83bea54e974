"""Everything that is measured about one file, the peer beside it in the same run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training.detector import jitter, large_faces, served, turned
from training.detector.data import Photograph, load_photographs
from training.detector.evaluate import LONG_SIDES, evaluate
from training.detector.thresholds import choose
from training.detector.timing import milliseconds

Report = dict[str, Any]

TIMED = (320, 640)
ROUNDS = 200


def chosen_thresholds(model: Path, held_out: list[Photograph], data: Path, ours: Report) -> dict[int, float]:
    """By the input's long side, what the rule picks for `fast` and for `accurate`."""
    fast, accurate = sorted(LONG_SIDES)
    rows = served.threshold_table(model, held_out, data, fast, accurate)
    return {fast: choose(ours[str(fast)]["thresholds"]), accurate: choose(rows)}


def measure_all(model: Path, data: Path, peer: Path | None, shipped: dict[int, float] | None) -> Report:
    """ours and peer: the reports of `evaluate` (peer None where its file is missing); time, served, turned, large and
    jitter: see the modules of those names.

    shipped: thresholds by long side that the file is already served with; None: chosen by the rule.
    """
    ours = evaluate(model, data, shipped=shipped)
    held_out = [photograph for photograph in load_photographs(data) if photograph.held_out]
    thresholds = shipped or chosen_thresholds(model, held_out, data, ours)
    files = [model] if peer is None else [model, peer]
    names = ["ours"] if peer is None else ["ours", "peer"]
    service, sides = served.ServedDetector(model, thresholds), sorted(thresholds)
    return {
        "ours": ours,
        "peer": None if peer is None else evaluate(peer, data),
        "thresholds": {str(side): value for side, value in thresholds.items()},
        "time": {str(side): dict(zip(names, milliseconds(files, side, ROUNDS), strict=True)) for side in TIMED},
        "served": served.measure(model, held_out, data, thresholds),
        "turned": [turned.measure(service, data, side) for side in sides],
        "large": [large_faces.measure(service, data, side) for side in sides],
        "jitter": [jitter.measure(service, data, side) for side in sides],
    }


def headline(measured: Report) -> Report:
    """The manifest's figures, each with its count."""
    out: Report = {"split": "held out: every tenth photograph of each source"}
    for row in measured["served"]:
        long_side = str(row["long_side"])
        part = measured["ours"][long_side]
        out[f"at_{long_side}"] = {
            "ap50": part["all"]["ap50"],
            "ap50_n": part["all"]["faces"],
            "ap50_24px": part["at_least_24"]["ap50"],
            "ap50_24px_n": part["at_least_24"]["faces"],
            "ap50_fddb_people": part["fddb_people"]["ap50"],
            "ap50_fddb_people_n": part["fddb_people"]["faces"],
            "recall_32px_at_0_05_fp": part["at_least_32"]["recall_at_0.05_fp"],
            "recall_32px_at_0_05_fp_n": part["at_least_32"]["faces"],
            "recall_at_threshold": row["recall"],
            "fp_a_picture_at_threshold": row["fp_a_picture"],
            "fp_a_picture_at_threshold_n": row["pictures"],
            "fp_a_face_free_picture_at_threshold": row["fp_a_face_free_picture"],
            "fp_a_face_free_picture_at_threshold_n": row["face_free_pictures"],
            "landmark_error_of_side": part["landmarks"]["mean"],
            "landmark_error_of_side_n": part["landmarks"]["n"],
        }
    for row in measured["jitter"]:
        out[f"at_{row['long_side']}"] |= {"jitter_of_side": row["mean"], "jitter_of_side_n": row["faces"]}
    out["milliseconds_one_thread"] = {side: files["ours"]["median"] for side, files in measured["time"].items()}
    return out
