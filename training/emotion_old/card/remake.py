"""The card's commands that make the file again."""

from collections.abc import Iterator
from typing import Any

Report = dict[str, Any]


def remake(tables: Report) -> str:
    """The commands, from the repository root."""
    made = tables["trained_by"]
    run, version = made["run"], tables["version"]
    return f"""
## Remake it

From the repository root (the training as of commit `{made["commit"]}`), with the data in `../shared/data` (a run that
was killed goes on with `--resume`); the first block in `.venv-train` (`make setup-train`), the report in `.venv`:

```sh
{_commands(made)}
{_written(made)}
python -m training.emotion.pack --run {run} --version {version}{_meaning(tables)}{_aside(tables)}
make emotion-report VERSION={version} FP32={run}/fp32.onnx
```

Sums differ between processors, so another machine gives another file of about the same figures.
"""


def _written(made: Report) -> str:
    """The commands between a run's last epoch and its int8 file; a cascade is joined of files."""
    if "stages" in made:
        return f"{made['command']}  # at {made['commit'][:12]}"
    return _exported(made["run"])


def _exported(run: str) -> str:
    return f"python -m training.emotion.export --run {run}\npython -m training.emotion.quantise --run {run}"


def _meaning(tables: Report) -> str:
    """The option that fits the crowd head's temperature to what it is fitted to."""
    fitted = tables.get("heads", {}).get("ferplus8", {}).get("fitted_to")
    return "" if fitted is None else f" --meaning {fitted}"


def _aside(tables: Report) -> str:
    """The option that keeps a version from serving unasked."""
    return "" if tables.get("serve", True) else " --aside"


def _commands(made: Report) -> str:
    """The training's commands, those of the runs that it learned from first."""
    lines: list[str] = []
    taught = {teacher["file"] for teacher in made.get("teachers", [])}
    taught |= {file for one in made.get("lineage", []) for file in one["teachers"]}
    taught = {file for file in taught if not file.endswith(".pt")}  # those are asked as they are
    thawed = {one["began_with"]: _option(one, "--version") for one in made.get("lineage", []) if is_by(one, "thaw")}
    joined = {one["run"] for one in made.get("stages", [])}
    known: set[str] = set()
    for one in made.get("lineage", []):
        fresh = [segment for segment in one["segments"] if segment["command"] not in known]
        known |= {segment["command"] for segment in fresh}
        lines += _segments(fresh)
        lines += _copied_on_the_way(one)
        teaches = any(file.startswith(f"{one['run']}/") for file in taught)
        made_elsewhere = is_by(one, "thaw")  # which lays the file itself there
        if one["run"] in {*thawed, *joined} or (teaches and not made_elsewhere):
            lines.append(_exported(one["run"]))
        if one["run"] in thawed:
            lines.append(f"python -m training.emotion.pack --run {one['run']} --version {thawed[one['run']]}")
    own = [] if joined else _segments(made["segments"])
    return "\n".join(dict.fromkeys([*lines, *own]))


def is_by(one: Report, program: str) -> bool:
    """Whether a run was made by this program, and not by training."""
    return f"training.emotion.{program} " in one["segments"][0]["command"]


def _option(one: Report, name: str) -> str:
    """What a run's first command says after `name`."""
    words = one["segments"][0]["command"].split()
    return str(words[words.index(name) + 1])


def _copied_on_the_way(one: Report) -> Iterator[str]:
    """The command that keeps a run as it stood when an epoch had ended, where that was done under another name."""
    last = one["segments"][-1]
    if not is_by(one, "train"):
        return
    words = last["command"].split()
    folder = words[words.index("--run") + 1]
    if folder != one["run"]:
        yield f"cp -r {folder} {one['run']}  # as it stood after epoch {one['epochs']}: copy it on the way"


def _segments(segments: list[Report]) -> Iterator[str]:
    """One run's commands; where it went on in another folder it was copied there first."""
    last = None
    for segment in segments:
        words = segment["command"].split()
        folder = words[words.index("--run") + 1] if "--run" in words else None  # a cohort has several
        if last not in {None, folder}:
            yield f"cp -r {last} {folder}"
        if "training.emotion.cohort" in words and "--data" in words:
            yield f"python -m training.emotion.carry --to {words[words.index('--data') + 1]}"
        ended = f", ended after epoch {segment['epoch']}" if segment["planned"] else ""
        yield f"{segment['command']}  # at {segment['commit'][:12]}{ended}"
        last = folder
