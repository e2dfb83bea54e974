"""How a run was made, from its log: what the manifest keeps under `trained_by`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Report = dict[str, Any]

GREEDY = ("chosen_from", "protocol_a_of_candidates", "protocol_a_at_other_half")  # what `greedy` says of its choice


def trained_by(run: Path, epochs: int, note: str = "") -> Report:
    """The record of `run`, whose shipped weights saw `epochs`; `note` is a sentence on what the log cannot tell.

    Logs of before edition 2 do not say how many twins of `valid` there were, since all were dropped; nor did they have
    teachers.
    """
    events = _events(run)
    if events[0]["event"] == "soup":
        return _averaged(run, events[0], epochs, note)
    if events[0]["event"] == "cascade":
        return _joined(run, events[0], note)
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
        **(
            {"faces_without_votes_like_valid": last["unlabelled_like_valid"]} if "unlabelled_like_valid" in last else {}
        ),
        "twins_of_valid": last.get("twins_of_valid", last["twins_dropped"]),
        "twins_of_valid_dropped": last["twins_dropped"],
        "note": note,
        **({"device": last["device"]} if "device" in last else {}),
        **({"beside": last["beside"]} if last.get("beside") else {}),
        "config": last["config"],
        "segments": _segments(events),
        "teachers": last.get("teachers", []),
        "began_with": _parent(events),
        "lineage": lineage(run),
    }


def _averaged(run: Path, event: Report, epochs: int, note: str) -> Report:
    """The record of a soup: what its parts have in common, and who they are."""
    parts = [trained_by(Path(part["run"]), 0) for part in event["parts"] if not _is_thawed(Path(part["run"]))]
    longest: dict[int, float] = {}  # parts of one seed are epochs of one run
    for part in parts:
        longest[part["seed"]] = max(longest.get(part["seed"], 0), part["minutes"])
    return {
        **parts[0],
        "commit": event["commit"],
        "command": event["command"],
        "run": run.as_posix(),
        "seeds": list(longest),
        "epochs": epochs,
        "minutes": round(sum(longest.values()), 1),
        "note": note,
        "segments": _segments([event]),
        "statistics": event.get("statistics", "anew"),
        "averaged": event["parts"],
        **{key: event[key] for key in GREEDY if key in event},
        "lineage": lineage(run),
    }


def _joined(run: Path, event: Report, note: str) -> Report:
    """The record of a cascade: its nets' own under `stages`, and what is said once of both; what only one net can have
    (a seed, views, a parent) is the first's, which answers every face."""
    first, second = (trained_by(Path(stage["run"]), stage["epochs"]) for stage in event["stages"])
    return {
        **first,
        "commit": event["commit"],
        "command": event["command"],
        "run": run.as_posix(),
        "shape": f"{first['shape']} > {second['shape']}",
        "epochs": first["epochs"] + second["epochs"],
        "minutes": round(first["minutes"] + second["minutes"], 1),
        "faces_without_votes": max(first["faces_without_votes"], second["faces_without_votes"]),
        "note": note,
        "rule": event["rule"],
        "temperatures": [stage["temperatures"] for stage in event["stages"]],
        "segments": _segments([event]),
        "stages": [{key: value for key, value in one.items() if key != "lineage"} for one in (first, second)],
        "lineage": lineage(run),
    }


def lineage(run: Path) -> list[Report]:
    """Every run that `run` learned from, in the order in which they can be made: whose weights it began with and who
    taught it, and theirs in turn."""
    found: dict[Path, Report] = {}

    def visit(folder: Path) -> None:
        thawed = _events(folder)[0].get("thawed")
        if thawed:
            for one in (*thawed["lineage"], _handed_on(thawed)):
                found.setdefault(Path(one["run"]), one)
        for donor in _donors(folder):
            if donor not in found:
                visit(donor)
                found[donor] = _described(donor)

    visit(run)
    return list(found.values())


def handed_down(made: Report) -> Iterator[Report]:
    """The runs whose weights the net of a `trained_by` record began with, the nearest first."""
    known = {one["run"]: one for one in made.get("lineage", [])}
    one = known.get(made.get("began_with", ""))
    while one is not None:
        yield one
        one = known.get(one["began_with"])


def _handed_on(made: Report) -> Report:
    """A `trained_by` record as an entry of a later one's lineage."""
    kept = {key: made[key] for key in ("run", "shape", "epochs", "began_with", "faces_without_votes", "segments")}
    return {**kept, "teachers": [teacher["file"] for teacher in made["teachers"]]}


def _is_thawed(run: Path) -> bool:
    """Whether a run is one that was trained elsewhere: thawed from the store, or kept in the repository."""
    return "thawed" in _events(run)[0]


def _described(run: Path) -> Report:
    events = _events(run)
    first = events[0]
    return {
        "run": run.as_posix(),
        "shape": first["config"]["shape"],
        "epochs": epochs_of(run),
        "began_with": _parent(events),
        "teachers": [teacher["file"] for teacher in first.get("teachers", [])],
        "faces_without_votes": first.get("unlabelled", 0),
        "segments": _segments(events),
    }


def _donors(run: Path) -> list[Path]:
    """The runs that the log names, the parent first; one whose log is gone cannot be told of."""
    events = _events(run)
    files = [teacher["file"] for teacher in events[0].get("teachers", [])]
    named = [*([_parent(events)] if _parent(events) else []), *(Path(file).parent.as_posix() for file in files)]
    named += [part["run"] for key in ("parts", "stages") for part in events[0].get(key, [])]
    return [Path(folder) for folder in dict.fromkeys(named) if (Path(folder) / "log.jsonl").is_file()]


def _parent(events: list[Report]) -> str:
    """The folder of the run whose weights were the first ones; empty where they were random."""
    if "thawed" in events[0]:
        return str(events[0]["thawed"]["run"])
    file = events[0].get("parent")
    return "" if file is None else Path(file).parent.as_posix()


def compared_run(run: Path) -> Report:
    """What tells one seed from another, a cascade's being its first net's: -1 and empty where the log is gone."""
    if not (run / "log.jsonl").is_file():
        return {"run": run.as_posix(), "seed": -1, "epochs": -1, "began_with": "", "command": ""}
    events = _events(run)
    if events[0]["event"] == "cascade":
        first, second = (compared_run(Path(stage["run"])) for stage in events[0]["stages"])
        told = {"run": run.as_posix(), "epochs": first["epochs"] + second["epochs"], "command": events[0]["command"]}
        return {**first, **told}
    return {
        "run": run.as_posix(),
        "seed": int(next(event for event in reversed(events) if "config" in event)["config"]["seed"]),
        "epochs": epochs_of(run),
        "began_with": _parent(events),
        "command": _segments(events)[-1]["command"].removesuffix(" --resume"),
    }


def planned_epochs(run: Path) -> int:
    """How long the run is meant to be, as it was last started."""
    events = _events(run)
    if events[0]["event"] == "cascade":
        return sum(planned_epochs(Path(stage["run"])) for stage in events[0]["stages"])
    return int(next(event for event in reversed(events) if "config" in event)["config"]["epochs"])


def left_out_of(run: Path) -> str:
    """The fold that the run never saw, as K/N; empty where it saw all, or its log is gone."""
    if not (run / "log.jsonl").is_file():
        return ""
    configs = [event["config"] for event in _events(run) if "config" in event]
    return str(configs[-1].get("left_out", "")) if configs else ""


def epochs_of(run: Path) -> int:
    """How many epochs a run has behind it; thawing and averaging are none."""
    return max(int(event.get("epoch", 0)) for event in _events(run))


def _events(run: Path) -> list[Report]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]


def _segments(events: list[Report]) -> list[Report]:
    """The commands that made the run, each with its commit and the epoch that it ended after."""
    segments: list[Report] = []
    for event in events:
        if "event" in event:
            segments.append({"command": event["command"], "commit": event["commit"], "epoch": 0})
            segments[-1]["planned"] = event["config"]["epochs"] if event["event"] in {"start", "resume"} else 0
        elif "epoch" in event:
            segments[-1]["epoch"] = event["epoch"]
    return segments
