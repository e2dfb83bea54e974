"""What a detector is judged by, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from training.common.aims import Aim, aims_table

Report = dict[str, Any]


def aims(measured: Report) -> str:
    """Every row, as Markdown; `measured` as `measurements.measure_all` gives it."""
    return f"\n### Asked and measured\n\n{aims_table([*_found(measured), *_wrong(measured), *_precise(measured)])}\n"


def _found(measured: Report) -> Iterator[Aim]:
    ours, peer = measured["ours"], measured["peer"]
    people = ours["640"]["fddb_people"]
    if peer is not None:
        theirs = peer["640"]["fddb_people"]["ap50"]
        name = f"AP50, FDDB, people's boxes, 640 (n = {people['faces']:,}); YuNet-n less 0.005, or more"
        yield Aim(name, round(theirs - 0.005, 3), theirs, people["ap50"], "", 3)
    for side, least, aim in (("640", 0.94, 0.97), ("320", 0.88, 0.93)):
        part = ours[side]["at_least_24"]
        yield Aim(f"AP50, 24 px and more, {side} (n = {part['faces']:,})", least, aim, part["ap50"], "", 3)
    for side in ("640", "320"):
        part = ours[side]["at_least_32"]
        name = f"recall at 0.05 false positives a picture, 32 px and more, {side} (n = {part['faces']:,})"
        yield Aim(name, 0.95, 0.98, part["recall_at_0.05_fp"], "", 3)


def _wrong(measured: Report) -> Iterator[Aim]:
    for row in measured["served"]:
        pictures = f"{row['face_free_pictures']:,}"
        name = f"false positives of 16 px and more a face-free picture, `{row['mode']}` as served (n = {pictures})"
        yield Aim(name, 0.01, 0.003, row["fp_a_face_free_picture"], "", 3, fewer=True)


def _precise(measured: Report) -> Iterator[Aim]:
    for side in ("640", "320"):
        distance = 100 * measured["ours"][side]["landmarks"]["mean"]
        yield Aim(f"landmark distance over the face's side, {side}", 5, 3, distance, "%", 1, fewer=True)
    for side, files in measured["time"].items():
        if "peer" in files:
            ratio = files["ours"]["median"] / files["peer"]["median"]
            yield Aim(f"time at {side}x{side} over YuNet-n's, one thread", 1.0, 0.6, ratio, "", 2, fewer=True)
    for row in measured["jitter"]:
        name = f"jitter of a still face's box over its side, {row['long_side']}"
        yield Aim(name, 1.5, 0.8, 100 * row["mean"], "%", 2, fewer=True)
