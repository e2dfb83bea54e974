"""The card's account of how the file was made, and how to make it again."""

from typing import Any

Report = dict[str, Any]


def making(tables: Report) -> str:
    """From the manifest's `trained_by`."""
    made = tables["trained_by"]
    config = made["config"]
    facts = (
        f"Shape `{made['shape']}`, {made['epochs']} epochs, seed {made['seed']}, {made['minutes']:.0f} minutes of the "
        "clock on a shared CPU (bf16).",
        _ancestors(made),
        _twins(made),
        "Targets: the vote distribution with lone votes dropped, over the eight emotions; a face weighs as much as the "
        "share of its votes that name an emotion, none where most say `unknown` or `NF`. Beside it the FER2013 label, "
        f"weight {config['fer2013_weight']}.{_rarity(config)}",
        _teachers(made),
        _without_votes(made),
        f"SGD (Nesterov, cosine from {config['peak_rate']}), batch {config['batch']}; views shifted, scaled, turned, "
        f"mirrored, relit, blurred, resampled, coded, noised and partly erased; weights averaged ({config['ema']})."
        f"{_schedule(config)}",
        "What chose the checkpoint: the end of the schedule. It is the average after the last epoch, whatever its "
        "figures.",
        _lengths(made),
        "`valid` was looked at during the run, chose among the shapes that were tried and fitted the temperatures; "
        "nothing was trained on it. The ranges of the int8 file were measured on train faces.",
    )
    return "## How it was made\n\n" + "\n".join(f"- {fact}" for fact in facts if fact)


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
python -m training.emotion.export --run {run}
python -m training.emotion.quantise --run {run}
python -m training.emotion.pack --run {run} --version {version}
make model-report FP32={run}/fp32.onnx
```

Sums in bf16 differ between processors, so another machine gives another file of about the same figures.
"""


def _ancestors(made: Report) -> str:
    """Whose weights the net began with."""
    lines = made.get("ancestors", [])
    if not lines:
        return ""
    told = [
        f"`{one['run']}` (shape `{one['shape']}`, {one['epochs']} epochs"
        + (f", taught by {', '.join(f'`{file}`' for file in one['teachers'])})" if one["teachers"] else ")")
        for one in lines
    ]
    total = made["epochs"] + sum(one["epochs"] for one in lines)
    return (
        "The weights began as the average of an earlier run wherever the shapes fit (`--parent`; a block thinner "
        f"inside took its parent's strongest channels): {', which had begun as '.join(told)}. {total} epochs in all."
    )


def _twins(made: Report) -> str:
    count, dropped = made["twins_of_valid"], made["twins_of_valid_dropped"]
    total = made["train_faces"] + dropped
    alike = f"(pixel correlation above {made['config']['twin_threshold']}, mirrored or not)"
    if dropped:
        return (
            f"{made['train_faces']:,} train faces: {dropped} of {total:,} were left out because a `valid` face is "
            f"near-identical {alike}. Twins *within* train stay."
        )
    return (
        f"{made['train_faces']:,} train faces, all there are, as in every published figure: {count} of them are "
        f"near-identical to a `valid` face {alike}. **The headline is therefore flattered on those faces; the figure "
        "without them stands beside it.**"
    )


def _rarity(config: Report) -> str:
    power = config.get("rare_power", 0)
    if not power:
        return ""
    return f" A face counts as its emotions' frequency to the power of -{power}, so that rare emotions are heard."


def _teachers(made: Report) -> str:
    teachers = made.get("teachers", [])
    if not teachers:
        return ""
    names = ", ".join(f"`{teacher['file']}` (SHA-256 `{teacher['sha256'][:12]}...`)" for teacher in teachers)
    share = made["config"]["teacher_share"]
    return (
        f"Teachers: what {names} made of the very view that the student saw, on average, counts {100 * share:.0f} % of "
        "the target. They too were trained on the train split only."
    )


def _without_votes(made: Report) -> str:
    count = made.get("faces_without_votes", 0)
    if not count:
        return ""
    return (
        f"{count:,} faces without votes beside them: those of 24 px or more in the detector's training photographs "
        "(FDDB, MaskScenes, street, portraits and others; none of its held-out ones), cut out as the service does it. "
        "Only the teachers say what they show."
    )


def _schedule(config: Report) -> str:
    said = []
    mix = config.get("mix", {})
    if mix.get("chance"):
        said.append(
            f" Outside the calm epochs {100 * mix['chance']:.0f} % of the batches were mixed, half of them by mixup "
            f"(Beta of {mix['alpha']}), half by CutMix."
        )
    if config.get("small_share"):
        said.append(
            f" The first {100 * config['small_share']:.0f} % of the epochs saw {config['small_side']} px pictures, "
            "which cost less."
        )
    if config.get("calm_share"):
        said.append(f" The last {100 * config['calm_share']:.0f} % saw calmer views, nothing erased.")
    return "".join(said)


def _lengths(made: Report) -> str:
    """How long the run was meant to be, and what changed that."""
    lengths = [str(segment["planned"]) for segment in made["segments"]]
    if len(set(lengths)) == 1:
        story = f"Length: {lengths[0]} epochs, as planned."
    else:
        story = f"The planned length changed as the run went: {', then '.join(lengths)} epochs."
    return f"{story} {made['note']}".strip()


def _commands(made: Report) -> str:
    """The training's commands; a run that went on in another folder was copied there first."""
    lines = [
        f"{one['command']}  # at {one['commit'][:12]}, {one['epochs']} epochs"
        for one in reversed(made.get("ancestors", []))
    ]
    last = None
    for segment in made["segments"]:
        words = segment["command"].split()
        folder = words[words.index("--run") + 1]
        if last not in {None, folder}:
            lines.append(f"cp -r {last} {folder}")
        lines.append(f"{segment['command']}  # ended after epoch {segment['epoch']}")
        last = folder
    return "\n".join(lines)
