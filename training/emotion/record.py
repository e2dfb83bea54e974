"""How a run was made, from its log: what the manifest keeps under `trained_by`."""

import json
from pathlib import Path
from typing import Any

Report = dict[str, Any]


def trained_by(run: Path, epochs: int, note: str = "") -> Report:
    """The record of `run`, whose shipped weights saw `epochs`; `note` is a sentence on what the log cannot tell.

    Logs of before edition 2 do not say how many twins of `valid` there were, since all were dropped; nor did they have
    teachers.
    """
    events = _events(run)
    starts = [event for event in events if event.get("event") in {"start", "resume"}]
    first, last = starts[0], starts[-1]
    minutes = sum(event["seconds"] for event in events if "epoch" in event) / 60
    return {
        "commit": first["commit"],
        "command": first["command"],
        "run": run.as_posix(),
        "shape": last["config"]["shape"],
        "seed": last["config"]["seed"],
        "epochs": epochs,
        "minutes": round(minutes, 1),
        "train_faces": last["train"] - last["twins_dropped"],
        "faces_without_votes": last.get("unlabelled", 0),
        "twins_of_valid": last.get("twins_of_valid", last["twins_dropped"]),
        "twins_of_valid_dropped": last["twins_dropped"],
        "note": note,
        "config": last["config"],
        "segments": _segments(events),
        "teachers": last.get("teachers", []),
        "ancestors": ancestors(run),
    }


def ancestors(run: Path) -> list[Report]:
    """The runs whose weights `run` began with, wherever the shapes fit, the nearest first."""
    parent = _events(run)[0].get("parent")
    if parent is None:
        return []
    folder = Path(parent).parent
    events = _events(folder)
    trained = {
        "run": folder.as_posix(),
        "shape": events[0]["config"]["shape"],
        "epochs": epochs_of(folder),
        "teachers": [teacher["file"] for teacher in events[0].get("teachers", [])],
        "commit": events[0]["commit"],
        "command": events[0]["command"],
    }
    return [trained, *ancestors(folder)]


def planned_epochs(run: Path) -> int:
    """How long the run is meant to be, as it was last started."""
    return int(next(event for event in reversed(_events(run)) if "config" in event)["config"]["epochs"])


def seed_of(run: Path) -> int:
    """The seed of a run; -1 where its log is gone."""
    if not (run / "log.jsonl").is_file():
        return -1
    return int(next(event for event in _events(run) if "config" in event)["config"]["seed"])


def epochs_of(run: Path) -> int:
    """How many epochs a run has behind it; -1 where its log is gone."""
    if not (run / "log.jsonl").is_file():
        return -1
    return max(event.get("epoch", 0) for event in _events(run))


def _events(run: Path) -> list[Report]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]


def _segments(events: list[Report]) -> list[Report]:
    """The commands that made the run, each with its commit and the epoch that it ended after."""
    segments: list[Report] = []
    for event in events:
        if event.get("event") in {"start", "resume"}:
            segments.append({"command": event["command"], "commit": event["commit"], "epoch": 0})
            segments[-1]["planned"] = event["config"]["epochs"]
        elif "epoch" in event:
            segments[-1]["epoch"] = event["epoch"]
    return segments
