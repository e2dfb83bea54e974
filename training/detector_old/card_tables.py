"""The measured part of a detector's card, as Markdown tables."""

from __future__ import annotations

from typing import Any

from training.common import markdown

Report = dict[str, Any]


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table with an empty line on both sides."""
    return f"\n{markdown.table(header, rows)}\n"


def figures(measured: Report, side: str) -> str:
    """Average precision, recall and landmarks at one input size, beside the peer where it was measured."""
    ours, peer = measured["ours"][side], (measured["peer"] or {}).get(side)
    parts = [part for part in (ours, peer) if part]
    head = ["", "this file", *(["YuNet-n"] if peer else []), "n"]
    rows: list[list[str]] = []

    def row(name: str, values: list[float], count: int) -> None:
        rows.append([name, *(f"{value:.3f}" for value in values), f"{count:,}"])

    def average(name: str, *keys: str) -> None:
        found = parts
        for key in keys:
            found = [part[key] for part in found]
        row(name, [part["ap50"] for part in found], found[0]["faces"])

    average("**AP50, 16 px and more**", "all")
    average("AP50, 24 px and more", "at_least_24")
    average("AP50, FDDB, people's boxes", "fddb_people")
    for bucket in ours["by_size"]:
        average(f"AP50, {bucket} px", "by_size", bucket)
    for source in ours["by_source"]:
        average(f"AP50, {source}", "by_source", source)
    recalls = [part["at_least_32"]["recall_at_0.05_fp"] for part in parts]
    row("recall at 0.05 false positives a picture, 32 px and more", recalls, ours["at_least_32"]["faces"])
    errors = [part["landmarks"]["mean"] for part in parts]
    row("landmark distance to the teacher's label over the face's side", errors, ours["landmarks"]["n"])
    return f"\n### {side} px on the long side\n{table(head, rows)}"


def served(measured: Report) -> str:
    """Recall and false positives of the service's two ways to look."""
    head = ["", "recall", "n", "false positives a picture", "n", "a face-free picture", "n"]
    rows = [
        [
            f"`{row['mode']}`",
            f"{row['recall']:.3f}",
            f"{row['faces']:,}",
            f"{row['fp_a_picture']:.3f}",
            f"{row['pictures']:,}",
            f"{row['fp_a_face_free_picture']:.3f}",
            f"{row['face_free_pictures']:,}",
        ]
        for row in measured["served"]
    ]
    sides = " and ".join(f"{row['long_side']} px" for row in measured["served"])
    chosen = " and ".join(str(measured["thresholds"][str(row["long_side"])]) for row in measured["served"])
    text = f"The service's two ways to look, every look included, at the shipped thresholds, {chosen}"
    asked = f"faces of 16 px and more at {sides} and in the photograph, which is what it reports by default"
    return f"\n### As served\n\n{text}; {asked}.\n{table(head, rows)}"


def curve(measured: Report, side: str) -> str:
    """The precision-recall curve, faces of 16 px and more."""
    points = measured["ours"][side]["curve"]
    rows = [
        [f"{p['recall']:.3f}", f"{p['precision']:.3f}", f"{p['score']:.2f}", f"{p['fp_a_picture']:.3f}"] for p in points
    ]
    head = ["recall", "precision", "score", "false positives a picture"]
    return f"\nThe precision-recall curve, where it first reaches a recall:\n{table(head, rows)}"


def reliability(measured: Report, side: str) -> str:
    """What a score is worth: the share of the detections with such scores that are faces."""
    rows = [
        [f"{r['from']:.1f} to {r['to']:.1f}", f"{r['n']:,}", f"{r['mean_score']:.2f}", f"{r['right']:.2f}"]
        for r in measured["ours"][side]["reliability"]
    ]
    head = ["score", "detections", "mean score", "share that are faces (IoU 0.5)"]
    return f"\n### What a score is worth, {side} px\n{table(head, rows)}"


def failures(measured: Report, side: str) -> str:
    """Counts of faces missed and of things taken for faces, at the shipped threshold."""
    lost = measured["ours"][side]["failures"]
    rows = [
        [name, f"{c['faces']:,}", f"{c['missed']:,}", f"{c['wrong']:,}"]
        for kind in ("by_size", "by_source")
        for name, c in lost[kind].items()
    ]
    head = ["size in px, source", "faces", "missed", "taken for faces"]
    return f"\n### Failures of the {side} px input alone, scores of {lost['threshold']} and more\n{table(head, rows)}"


def times(measured: Report) -> str:
    """Milliseconds beside the peer's, and their ratio."""
    head = ["input", "this file", *(["YuNet-n", "ratio of medians"] if measured["peer"] else [])]
    rows = []
    for side, files in measured["time"].items():
        cells = [f"{spent['median']:.2f}, {spent['p10']:.2f}" for spent in files.values()]
        if "peer" in files:
            cells.append(f"{files['ours']['median'] / files['peer']['median']:.2f}")
        rows.append([f"{side}x{side}", *cells])
    title = "Time, one thread, onnxruntime, one run, files taking turns (ms: median, fastest tenth)"
    return f"\n### {title}\n{table(head, rows)}"


def turned(measured: Report) -> str:
    """Recall and landmarks by how far the picture is turned."""
    text = "\n### Turned pictures: held-out faces of FDDB and portraits\n"
    parts, modes = measured["turned"], _modes(measured)
    head = ["degrees", *(str(row["degrees"]) for row in parts[0]["rows"])]
    rows = [
        [f"{name}, `{modes[part['long_side']]}`", *(f"{row[key]:.2f}" for row in part["rows"])]
        for name, key in (("recall", "recall"), ("landmark distance over the face's side", "landmark_error"))
        for part in parts
    ]
    return f"{text}{table(head, rows)}\n{parts[0]['faces']} faces, looked at as the service does.\n"


def large(measured: Report) -> str:
    """Recall of faces that fill most of a picture."""
    parts, modes = measured["large"], _modes(measured)
    head = ["share of the picture's side", *(f"{row['share']:.0%} (n = {row['n']})" for row in parts[0]["rows"])]
    rows = [
        [f"recall, `{modes[part['long_side']]}`", *(f"{row['recall']:.3f}" for row in part["rows"])] for part in parts
    ]
    return f"\n### Large faces: held-out photographs cropped about one face\n{table(head, rows)}"


def jitter(measured: Report) -> str:
    """How much the box of a still face trembles."""
    modes = _modes(measured)
    head = ["", "mean", "95th percentile", "frames in which it was found", "faces"]
    rows = [
        [
            f"`{modes[part['long_side']]}`",
            f"{part['mean']:.2%}",
            f"{part['p95']:.2%}",
            f"{part['found']:.1%}",
            str(part["faces"]),
        ]
        for part in measured["jitter"]
    ]
    title = "Jitter: change of a still face's box from frame to frame, over its side"
    return f"\n### {title}\n{table(head, rows)}"


def _modes(measured: Report) -> dict[int, str]:
    """The service's name for looking at an input of some long side."""
    return {row["long_side"]: row["mode"] for row in measured["served"]}
