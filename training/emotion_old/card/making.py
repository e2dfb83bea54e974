"""The card's account of how the file was made."""

from collections.abc import Iterator
from typing import Any

from training.emotion.card.remake import is_by
from training.emotion.record import handed_down

Report = dict[str, Any]


def making(tables: Report) -> str:
    """From the manifest's `trained_by`."""
    made = tables["trained_by"]
    stages = made.get("stages", [])
    if not stages:
        return f"## How it was made\n\n{_facts(made)}"
    told = "\n\n".join(
        f"### The {name} net\n\n{_facts({**one, 'lineage': made['lineage']})}"
        for name, one in zip(("first", "second"), stages, strict=True)
    )
    return f"## How it was made\n\n{_joining(made)}\n\n{told}"


def _joining(made: Report) -> str:
    """What makes one file of two nets."""
    rule = made["rule"]
    return (
        f"Each net's logits were first divided by the temperatures that bring them nearest to the votes and labels of "
        f"`valid` ({_coolings(made)} for the crowd's and the FER2013 head), so that a number means the same in both. "
        "A net is as certain of a face as the logit of its likeliest label is above the next, added over both heads: "
        f"how many nats likelier. Where the first net's certainty is below {rule['certainty']}, the second looks too, "
        "and its "
        f"part in the logits grows from nothing there to {100 * rule['share']:.0f} % where the first is less certain "
        f"by {rule['fade']}, so that a face that changes little does not change its scores at one stroke. These "
        f"numbers were chosen on `valid`, for accuracy against time; no weight was. {made['note']}"
    ).strip()


def _coolings(made: Report) -> str:
    """The temperatures of both nets, in words."""
    first, second = (" and ".join(str(value) for value in by) for by in made["temperatures"])
    return f"the first net's {first}, the second's {second},"


def _facts(made: Report) -> str:
    """A net's own."""
    config = made["config"]
    seeds = " and ".join(str(seed) for seed in made.get("seeds", [made["seed"]]))
    facts = (
        f"Shape `{made['shape']}`, {made['epochs']} epochs, seed {seeds}, {made['minutes']:.0f} minutes of the "
        f"clock on {made.get('device') or 'a shared CPU'}.",
        _cohort(made),
        _soup(made),
        _ancestors(made),
        _twins(made),
        "Targets: the vote distribution with lone votes dropped, over the eight emotions; a face weighs as much as the "
        "share of its votes that name an emotion, its votes nothing where most say `unknown` or `NF`. Beside it the "
        f"FER2013 label, weight {config['fer2013_weight']}.{_rarity(config)}",
        _teachers(made),
        _without_votes(made),
        f"SGD (Nesterov, cosine from {config['peak_rate']}), batch {config['batch']}; views shifted, scaled, turned, "
        f"mirrored, relit, blurred, resampled, coded, noised and partly erased; weights averaged ({config['ema']})."
        f"{_schedule(config)}",
        _chosen(made),
        _lengths(made),
        "`valid` was looked at during the runs. It chose among the shapes, recipes and lengths that were tried (also "
        "those of the runs that this one learned from) and the method that sets the int8 ranges, and it fitted the "
        "temperatures. No net was trained on it. The int8 ranges themselves were measured on train faces.",
    )
    return "\n".join(f"- {fact}" for fact in facts if fact)


def _soup(made: Report) -> str:
    """Whose weights were averaged."""
    parts = made.get("averaged", [])
    if not parts:
        return ""
    total = sum(part["share"] for part in parts)
    told = ", ".join(f"`{part['run']}` ({100 * part['share'] / total:.0f} %)" for part in parts)
    if "chosen_from" in made:
        return (
            f"The weights are a mean of those of {len(parts)} of {made['chosen_from']} checkpoints, each its running "
            f"average then, that began alike: {told} (a greedy model soup, Wortsman et al. 2022, arXiv:2203.05482); so "
            "are the statistics of their batch norms. The epochs above are those of the longest of each seed; the "
            "others are checkpoints on the way, kept as copies."
        )
    if made.get("statistics") == "mean":
        return (
            f"The weights are a mean of those of several epochs of one run, each its running average then: {told} "
            "(Izmailov et al. 2018, arXiv:1803.05407); so are the statistics of its batch norms. The epochs above are "
            "those of the longest; the others are its checkpoints on the way, kept as copies."
        )
    return (
        f"The weights are a mean of those of several runs, each its average after its last epoch: {told} (model soup, "
        "Wortsman et al. 2022, arXiv:2203.05482); batch norms took their statistics anew from train views. The epochs "
        "above are those of the runs together, and what follows is said of each."
    )


def _cohort(made: Report) -> str:
    """Whom it was trained beside."""
    others = made.get("beside", [])
    if not others:
        return ""
    return (
        f"Trained beside {', '.join(f'`{run}`' for run in others)} (`training.emotion.cohort`): the same views, the "
        "same teachers, weights and steps of its own. The seed is that of its first weights; the command has that of "
        "the views."
    )


def _ancestors(made: Report) -> str:
    """Whose weights the net began with."""
    lines = list(handed_down(made))
    if not lines:
        return ""
    told = [f"`{one['run']}` ({', '.join(_ancestor(one))})" for one in lines]
    total = made["epochs"] + sum(one["epochs"] for one in lines)
    return (
        "The weights began as the average of an earlier run wherever the shapes fit (`--parent`; a block thinner "
        f"inside took its parent's strongest channels): {', which had begun as '.join(told)}. {total} epochs in all."
    )


def _ancestor(one: Report) -> Iterator[str]:
    """What a run handed on, in a few words."""
    yield f"shape `{one['shape']}`"
    if is_by(one, "mirror"):
        yield "its parent made symmetric: channels paired by what they show of a face and of its mirror image"
    elif is_by(one, "thaw"):
        yield "its parent as it lay in the store"
    elif is_by(one, "keep"):
        yield "its parent as it was kept in the repository"
    else:
        yield f"{one['epochs']} epochs"
    if one["teachers"]:
        yield f"taught by {', '.join(f'`{file}`' for file in one['teachers'])}"


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
    share, few = made["config"]["teacher_share"], made["config"].get("teachers_at_once", 0)
    mean = f"on average ({few} of them, drawn anew for each batch)" if few else "on average"
    return (
        f"Teachers: what {names} made of the very view that the student saw, {mean}, counts {100 * share:.0f} % of "
        "the target of a face whose votes count in full, more where they count less, and all of it where they count "
        f"nothing. {_schooling(made)}{_strangers(teachers)}"
    )


def _strangers(teachers: list[Report]) -> str:
    """Which teachers speak only of faces that they never saw."""
    of_folds = [teacher for teacher in teachers if "only_of_fold" in teacher]
    if not of_folds:
        return ""
    names = " and ".join(f"`{teacher['file']}`" for teacher in of_folds)
    return (
        f" The train faces are in {len(of_folds)} folds, near-identical ones together; {names} were each trained "
        "without one of them and spoke of that one only (out-of-fold): what a net says of faces that it learned from "
        "is partly their votes again."
    )


def _schooling(made: Report) -> str:
    """What the teachers had learned from."""
    files = [teacher["file"] for teacher in made["teachers"]]
    known = [one for one in made.get("lineage", []) if any(file.startswith(one["run"] + "/") for file in files)]
    if any(one["faces_without_votes"] for one in known):
        return "Of FER+ they too saw the train split only; some of them also faces without votes."
    return "They too were trained on the train split only."


def _without_votes(made: Report) -> str:
    count = made.get("faces_without_votes", 0)
    if not count:
        return ""
    return (
        f"{count:,} faces without votes beside them: those of 24 px or more in the detector's training photographs "
        "(FDDB, MaskScenes, street, portraits and others; none of its held-out ones), framed by the service's own "
        f"`crop_square` about the labels' boxes. Only the teachers say what they show.{_outside(made)}"
    )


def _outside(made: Report) -> str:
    twins = made.get("faces_without_votes_like_valid")
    checked = "" if twins is None else f" {twins} of them resembled a `valid` face and were left out."
    return (
        f"{checked} This is data from outside FER+: published figures of nets trained on FER+ alone did not have it, "
        "though nobody labelled it."
    )


def _schedule(config: Report) -> str:
    said = [_build(config.get("augment", {}))]
    mix = config.get("mix", {})
    if mix.get("chance"):
        when = "Outside the calm epochs " if config.get("calm_share") else ""
        said.append(
            f" {when}{100 * mix['chance']:.0f} % of the batches were mixed, half of them by mixup (Beta of "
            f"{mix['alpha']}), half by CutMix."
        )
    if config.get("small_share"):
        said.append(
            f" The first {100 * config['small_share']:.0f} % of the epochs saw {config['small_side']} px pictures, "
            "which cost less."
        )
    if config.get("uphill"):
        said.append(
            f" Each step took its gradient {config['uphill']} up the slope from where the weights stood "
            "(sharpness-aware minimisation, Foret et al. 2021, arXiv:2010.01412): two passes a step."
        )
    if config.get("calm_share"):
        said.append(f" The last {100 * config['calm_share']:.0f} % saw calmer views, nothing erased.")
    return "".join(said)


def _build(augment: Report) -> str:
    """Views of a face that nobody has: of another shape, in other light."""
    changes = (
        ("stretch", "longer along some line by up to {} (natural logarithm) and as much narrower across"),
        ("bend", "their parts moved, each by itself and smoothly, by {} of the side (standard deviation)"),
        ("shade", "lit and shaded in part (standard deviation {} of the logarithm)"),
    )
    said = [text.format(augment[name]) for name, text in changes if augment.get(name)]
    return (
        f" Faces were also {', '.join(said)}: other people's faces, as far as that can be had from these."
        if said
        else ""
    )


def _chosen(made: Report) -> str:
    """What chose the checkpoint."""
    if "chosen_from" in made:
        mean, spread = made["protocol_a_of_candidates"]
        return (
            "What chose the checkpoints of the mean: protocol A on `valid`, the best one first, then each of the "
            f"{made['chosen_from']} that the mean did not lose by (they have {mean} % each, sd {spread}). **That "
            "flatters the headline.** The same choice made on one half of `valid` has "
            f"{made['protocol_a_at_other_half']} % on the other, over both, before int8."
        )
    if made.get("statistics") == "mean":
        return "What chose the epochs of the mean: their figures on `valid`."
    return (
        "What chose the checkpoint: the end of the schedule. It is the average after the last epoch, whatever its "
        "figures."
    )


def _lengths(made: Report) -> str:
    """How long the run was meant to be, and what changed that."""
    if made.get("averaged"):
        return str(made["note"])
    lengths = [str(segment["planned"]) for segment in made["segments"]]
    if len(set(lengths)) == 1:
        story = f"Length: {lengths[0]} epochs, as planned."
    else:
        story = f"The planned length changed as the run went: {', then '.join(lengths)} epochs."
    return f"{story} {made['note']}".strip()
