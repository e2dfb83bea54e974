"""A recipe's stages, one after the other; a stage that is done is not done again.

A stage's folder holds what it made and `stage.json`: a digest of everything that it depends on, and, once it is done,
the seconds it took. An interrupted stage goes on in its folder. Stages that depend on a changed recipe start over; what
they had made lies in `STAGE.old` until the next time.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stage:
    """`run` gets the stage's folder; `inputs` are plain JSON values; `after` names stages whose results it reads."""

    name: str
    run: Callable[[Path], None]
    inputs: Mapping[str, object]
    after: tuple[str, ...] = ()


def run_stages(root: Path, stages: Sequence[Stage]) -> dict[str, float]:
    """Run what is not done yet, in order; returns the seconds that each stage took, now or in an earlier run."""
    digests: dict[str, str] = {}
    seconds: dict[str, float] = {}
    for number, stage in enumerate(stages, start=1):
        folder, title = root / stage.name, f"[{number}/{len(stages)}] {stage.name}"
        digest = digests[stage.name] = _digest(stage, [digests[name] for name in stage.after])
        record = folder / "stage.json"
        known = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
        if known.get("digest") != digest:
            if folder.is_dir():
                shutil.rmtree(folder.with_suffix(".old"), ignore_errors=True)
                folder.rename(folder.with_suffix(".old"))
            folder.mkdir(parents=True)
            known = {"digest": digest}
            _write(record, known)
        if "seconds" in known:
            print(f"{title}: done before, in {clock(known['seconds'])}", flush=True)
        else:
            print(title, flush=True)
            began, before = time.monotonic(), _seconds_so_far(folder)
            stage.run(folder)
            known["seconds"] = before + time.monotonic() - began
            _write(record, known)
            print(f"{title}: {clock(known['seconds'])}", flush=True)
        seconds[stage.name] = float(known["seconds"])
    return seconds


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of the file at `path`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def clock(seconds: float) -> str:
    """`3 h 20 min`, `4 min`, `12 s`."""
    if seconds >= 3600:
        return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"
    return f"{int(seconds // 60)} min" if seconds >= 120 else f"{seconds:.0f} s"


def _seconds_so_far(folder: Path) -> float:
    """Seconds that an interrupted training in `folder` took, as its log has it."""
    log = folder / "log.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    return float(sum(json.loads(line).get("seconds", 0.0) for line in lines))


def _digest(stage: Stage, before: Sequence[str]) -> str:
    text = json.dumps([stage.name, stage.inputs, list(before)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _write(record: Path, known: Mapping[str, object]) -> None:
    partial = record.with_suffix(".partial")
    partial.write_text(json.dumps(known), encoding="utf-8")
    partial.replace(record)
