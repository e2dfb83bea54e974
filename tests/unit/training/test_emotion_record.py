"""A run's log tells how its file was made, and the card tells it on."""

import json
from pathlib import Path

import pytest

from training.emotion.card.making import making
from training.emotion.card.remake import remake
from training.emotion.record import compared_run, planned_epochs, trained_by

CONFIG = {"shape": "tiny", "epochs": 2, "seed": 3, "batch": 128, "peak_rate": 0.1, "fer2013_weight": 0.5, "ema": 0.999}
CONFIG |= {"twin_threshold": 0.95}


def write_log(run: Path, *events: dict) -> Path:
    run.mkdir()
    (run / "log.jsonl").write_text("\n".join(json.dumps(event) for event in events) + "\n")
    return run


def start(command: str = "python -m training.emotion.train --run runs/a", **values: object) -> dict:
    event = {"event": "start", "commit": "abc", "command": command, "train": 100, "valid": 10, "twins_dropped": 7}
    return {**event, "config": CONFIG, **values}


EPOCHS = ({"epoch": 1, "seconds": 60.0}, {"epoch": 2, "seconds": 30.0})


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return write_log(tmp_path / "old", start(), *EPOCHS)


@pytest.fixture
def taught(tmp_path: Path) -> Path:
    config = {**CONFIG, "rare_power": 0.25, "small_share": 0.5, "small_side": 36, "calm_share": 0.1}
    config["teacher_share"] = 0.6
    config["mix"] = {"chance": 0.5, "alpha": 0.4, "cut": [0.3, 0.7]}
    teachers = [{"file": "runs/t/fp32.onnx", "sha256": "0123456789abcdef"}]
    kept = start(config=config, twins_dropped=0, twins_of_valid=7, teachers=teachers, unlabelled=1234)
    return write_log(tmp_path / "taught", kept, *EPOCHS)


def card_of(run: Path) -> str:
    return making({"trained_by": trained_by(run, 2)})


def test_the_record_of_a_run(old: Path):
    made = trained_by(old, 2, "As planned.")
    assert (made["seed"], made["epochs"], made["minutes"], made["train_faces"]) == (3, 2, 1.5, 93)
    assert (made["twins_of_valid"], made["twins_of_valid_dropped"]) == (7, 7)
    assert made["segments"] == [
        {"command": "python -m training.emotion.train --run runs/a", "commit": "abc", "epoch": 2, "planned": 2}
    ]
    assert planned_epochs(old) == 2
    assert compared_run(old)["seed"] == 3
    assert compared_run(old)["command"] == "python -m training.emotion.train --run runs/a"
    assert compared_run(old.parent)["seed"] == -1


def test_dropped_twins_are_told_as_dropped(old: Path):
    text = card_of(old)
    assert "7 of 100 were left out" in text
    assert "flattered" not in text
    assert "Teachers" not in text
    assert "mixed" not in text
    assert "without votes" not in text


def test_kept_twins_and_teachers_are_told(taught: Path):
    text = card_of(taught)
    assert "100 train faces, all there are" in text
    assert "flattered" in text
    assert "`runs/t/fp32.onnx` (SHA-256 `0123456789ab...`)" in text
    assert "counts 60 % of the target" in text
    assert "36 px" in text
    assert "50 % of the batches were mixed" in text
    assert "1,234 faces without votes" in text


def test_a_run_that_went_on_elsewhere_is_copied_there_first(tmp_path: Path):
    onward = {**start("python -m training.emotion.train --run runs/b --resume"), "event": "resume"}
    run = write_log(tmp_path / "b", start(), EPOCHS[0], onward, EPOCHS[1])
    text = remake({"trained_by": trained_by(run, 2), "version": "2"})
    assert text.index("ended after epoch 1") < text.index("cp -r runs/a runs/b") < text.index("ended after epoch 2")


def test_a_member_of_a_cohort_tells_of_the_others_and_of_its_device(tmp_path: Path):
    first = "python -m training.emotion.cohort --data runs/carry --member runs/t tiny 1"
    teacher = write_log(tmp_path / "t", start(first), *EPOCHS)
    taught = [{"file": f"{teacher.as_posix()}/last.pt", "sha256": "0123456789abcdef"}]
    command = "python -m training.emotion.cohort --data runs/carry --member runs/a tiny 3 --member runs/b tiny 4"
    event = start(command, device="a GPU", beside=["runs/b"], teachers=taught)
    event["config"] = {**CONFIG, "teacher_share": 0.95}
    made = trained_by(write_log(tmp_path / "a", event, *EPOCHS), 2)
    assert "minutes of the clock on a GPU" in making({"trained_by": made})
    assert "Trained beside `runs/b`" in making({"trained_by": made})
    lines = remake({"trained_by": made, "version": "2"}).splitlines()
    carried = [line for line in lines if line == "python -m training.emotion.carry --to runs/carry"]
    assert len(carried) == 1
    assert lines.index(carried[0]) < lines.index(f"{first}  # at abc, ended after epoch 2")
    assert not any("export" in line and teacher.as_posix() in line for line in lines), "a checkpoint is asked as it is"


def test_whose_weights_a_run_began_with_is_told_to_the_first_of_them(taught: Path, tmp_path: Path):
    middle = write_log(tmp_path / "middle", start(parent=f"{taught.as_posix()}/last.pt"), *EPOCHS)
    run = write_log(tmp_path / "run", start("TRAIN --run runs/c", parent=f"{middle.as_posix()}/last.pt"), *EPOCHS)
    made = trained_by(run, 2)
    assert made["began_with"] == middle.as_posix()
    assert [one["run"] for one in made["lineage"]] == [taught.as_posix(), middle.as_posix()]
    assert made["lineage"][0]["teachers"] == ["runs/t/fp32.onnx"]
    assert "6 epochs in all" in making({"trained_by": made})
    commands = remake({"trained_by": made, "version": "2"})
    assert commands.index("--run runs/a") < commands.index("TRAIN --run runs/c")
    assert trained_by(taught, 2)["lineage"] == []


def test_a_teacher_is_made_before_its_student(old: Path, tmp_path: Path):
    config = {**CONFIG, "teacher_share": 0.5}
    teachers = [{"file": f"{old.as_posix()}/int8.onnx", "sha256": "0123456789abcdef"}]
    run = write_log(tmp_path / "run", start("TRAIN --run runs/c", config=config, teachers=teachers), *EPOCHS)
    made = trained_by(run, 2)
    assert made["began_with"] == ""
    commands = remake({"trained_by": made, "version": "2"})
    order = ["--run runs/a", f"export --run {old}", f"quantise --run {old}", "TRAIN --run runs/c"]
    assert [commands.index(part) for part in order] == sorted(commands.index(part) for part in order)
    assert "epochs in all" not in making({"trained_by": made})  # its weights were not handed down


def test_teachers_who_speak_only_of_faces_that_they_never_saw_are_told(tmp_path: Path):
    sha = "0123456789abcdef"
    teachers = [{"file": f"runs/h{k}/int8.onnx", "sha256": sha, "only_of_fold": f"{k}/2"} for k in range(2)]
    config = {**CONFIG, "teacher_share": 0.5}
    run = write_log(tmp_path / "run", start("TRAIN --run runs/c", config=config, teachers=teachers), *EPOCHS)
    text = card_of(run)
    assert "2 folds" in text
    assert "`runs/h0/int8.onnx` and `runs/h1/int8.onnx` were each trained without one" in text


THAW = "python -m training.emotion.thaw --version 2 --run runs/q"


@pytest.fixture
def thawed(old: Path, tmp_path: Path) -> Path:
    """A run of which only the file in the store was left; its own parent is gone from this machine."""
    made = trained_by(old, 2)
    older = {"run": "runs/gone", "shape": "tiny", "epochs": 5, "began_with": "", "teachers": []}
    older |= {"faces_without_votes": 0, "segments": [{"command": "T --run runs/gone", "commit": "x", "epoch": 5}]}
    older["segments"][0]["planned"] = 5
    made |= {"began_with": "runs/gone", "lineage": [older]}
    event = {"event": "thaw", "commit": "abc", "command": THAW, "config": CONFIG, "thawed": made}
    return write_log(tmp_path / "q", event)


def test_a_thawed_run_hands_on_what_the_store_told_of_it(thawed: Path, old: Path, tmp_path: Path):
    run = write_log(tmp_path / "run", start("TRAIN --run runs/c", parent=f"{thawed.as_posix()}/last.pt"), *EPOCHS)
    made = trained_by(run, 2)
    assert [one["run"] for one in made["lineage"]] == ["runs/gone", old.as_posix(), thawed.as_posix()]
    assert "9 epochs in all" in making({"trained_by": made})  # 2, none for thawing, 2 and 5
    commands = remake({"trained_by": made, "version": "2"})
    order = [
        "T --run runs/gone",
        "--run runs/a",
        f"quantise --run {old}",
        f"pack --run {old} --version 2",
        THAW,
        "TRAIN",
    ]
    assert [commands.index(part) for part in order] == sorted(commands.index(part) for part in order)


def test_a_soup_is_told_with_its_parts(thawed: Path, tmp_path: Path):
    parent = f"{thawed.as_posix()}/last.pt"
    seeds = [
        write_log(tmp_path / f"s{seed}", start(f"T{seed} --run runs/s", parent=parent, config={**CONFIG, "seed": seed}))
        for seed in (4, 5)
    ]
    shares = ((seeds[0], 0.4), (seeds[1], 0.4), (thawed, 0.2))
    parts = [{"run": run.as_posix(), "share": share} for run, share in shares]
    event = {"event": "soup", "commit": "abc", "command": "SOUP --run runs/soup", "config": CONFIG, "parts": parts}
    made = trained_by(write_log(tmp_path / "soup", event), 44, "Chosen on valid.")
    assert made["seeds"] == [4, 5]
    assert made["epochs"] == 44
    assert made["began_with"] == thawed.as_posix()
    text = making({"trained_by": made})
    assert "seed 4 and 5" in text
    assert f"`{seeds[1].as_posix()}` (40 %), `{thawed.as_posix()}` (20 %)" in text
    assert "Chosen on valid." in text
    commands = remake({"trained_by": made, "version": "2"})
    order = [THAW, "T4 --run", "T5 --run", "SOUP --run runs/soup"]
    assert [commands.index(part) for part in order] == sorted(commands.index(part) for part in order)


def test_a_mean_of_epochs_of_one_run_counts_them_once_and_says_what_chose_them(tmp_path: Path):
    train = f"python -m training.emotion.train --run {(tmp_path / 's').as_posix()}"
    runs = [
        write_log(tmp_path / name, start(train), *({"epoch": n + 1, "seconds": 60} for n in range(epochs)))
        for name, epochs in (("s", 3), ("s_at_2", 2))
    ]
    parts = [{"run": run.as_posix(), "share": 1} for run in runs]
    event = {
        "event": "soup",
        "commit": "abc",
        "command": "SOUP --run runs/mean",
        "config": CONFIG,
        "statistics": "mean",
        "parts": parts,
    }
    made = trained_by(write_log(tmp_path / "mean", event), 3, "Chosen on valid.")
    assert made["minutes"] == 3
    assert made["seeds"] == [made["seed"]]
    text = making({"trained_by": made})
    assert "several epochs of one run" in text
    assert "figures on `valid`" in text
    assert "took their statistics anew" not in text
    assert "end of the schedule" not in text
    commands = remake({"trained_by": made, "version": "2", "heads": {"ferplus8": {"fitted_to": "votes"}}})
    assert commands.count(train) == 1
    assert f"cp -r {runs[0].as_posix()} {runs[1].as_posix()}  # as it stood after epoch 2" in commands
    assert commands.index(train) < commands.index("cp -r") < commands.index("SOUP")
    assert "--version 2 --meaning votes" in commands


def test_a_seed_is_the_one_that_a_run_went_on_with(tmp_path: Path):
    forked = start("F --run runs/f --resume", config={**CONFIG, "seed": 5}) | {"event": "resume"}
    assert compared_run(write_log(tmp_path / "f", start(), EPOCHS[0], forked, EPOCHS[1]))["seed"] == 5


def test_a_net_made_symmetric_is_told_as_that_and_a_thawed_teacher_is_not_made_again(thawed: Path, tmp_path: Path):
    parent = f"{thawed.as_posix()}/last.pt"
    command = f"python -m training.emotion.mirror --parent {thawed.as_posix()} --run runs/m"
    event = {"event": "mirror", "commit": "abc", "command": command, "config": CONFIG, "parent": parent}
    mirrored = write_log(tmp_path / "m", event)
    teachers = [{"file": f"{thawed.as_posix()}/int8.onnx", "sha256": "0123456789abcdef"}]
    config = {**CONFIG, "teacher_share": 0.5}
    begun = start(
        "TRAIN --run runs/c",
        parent=f"{mirrored.as_posix()}/last.pt",
        config=config,
        teachers=teachers,
        twins_of_valid=7,
    )
    made = trained_by(write_log(tmp_path / "run", begun, *EPOCHS), 2)
    text = making({"trained_by": made})
    assert f"`{mirrored.as_posix()}` (shape `tiny`, its parent made symmetric" in text
    assert f"`{thawed.as_posix()}` (shape `tiny`, its parent as it lay in the store)" in text
    assert "9 epochs in all" in text
    commands = remake({"trained_by": made, "version": "2"})
    order = [THAW, "training.emotion.mirror", "TRAIN"]
    assert [commands.index(part) for part in order] == sorted(commands.index(part) for part in order)
    assert f"quantise --run {thawed.as_posix()}" not in commands


def test_a_run_kept_in_the_repository_hands_its_record_on(old: Path, tmp_path: Path):
    command = "python -m training.emotion.keep --run runs/a --to begun/a"
    event = {"event": "keep", "commit": "abc", "command": command, "config": CONFIG, "thawed": trained_by(old, 2)}
    kept = write_log(tmp_path / "kept", event)
    made = trained_by(
        write_log(tmp_path / "run", start("TRAIN --run runs/c", parent=f"{kept.as_posix()}/last.pt"), *EPOCHS), 2
    )
    assert [one["run"] for one in made["lineage"]] == [old.as_posix(), kept.as_posix()]
    text = making({"trained_by": made})
    assert "its parent as it was kept in the repository" in text
    assert "4 epochs in all" in text


def test_a_greedy_mean_says_how_much_the_choice_flatters(tmp_path: Path):
    run = write_log(tmp_path / "s", start(f"python -m training.emotion.train --run {tmp_path / 's'}"), *EPOCHS)
    event = {
        "event": "soup",
        "commit": "abc",
        "command": "GREEDY --run runs/greedy",
        "config": CONFIG,
        "statistics": "mean",
        "parts": [{"run": run.as_posix(), "share": 1}],
        "chosen_from": 40,
        "protocol_a_of_candidates": [88.6, 0.17],
        "protocol_a_at_other_half": 88.71,
    }
    text = making({"trained_by": trained_by(write_log(tmp_path / "greedy", event), 2, "A note.")})
    assert "1 of 40 checkpoints" in text
    assert "88.6 % each, sd 0.17" in text
    assert "88.71 % on the other" in text
    assert "end of the schedule" not in text


def test_views_of_another_build_are_told_only_where_there_were_any(old: Path, tmp_path: Path):
    config = {**CONFIG, "augment": {"stretch": 0.12, "bend": 0.02, "shade": 0.0}}
    bent = card_of(write_log(tmp_path / "bent", start(config=config), *EPOCHS))
    assert "by up to 0.12" in bent
    assert "by 0.02 of the side" in bent
    assert "shaded" not in bent
    assert "other people's faces" not in card_of(old)


def test_a_cascade_is_told_with_both_of_its_nets(taught: Path, old: Path, tmp_path: Path):
    runs = ((old, [0.88, 1.07]), (taught, [0.9, 1.13]))
    stages = [{"run": run.as_posix(), "epochs": 2, "temperatures": by} for run, by in runs]
    rule = {"certainty": 0.61, "fade": 0.2, "share": 0.9}
    command = "CASCADE --run runs/both"
    event = {"event": "cascade", "commit": "def", "command": command, "rule": rule, "stages": stages}
    run = write_log(tmp_path / "both", event)
    made = trained_by(run, 4, "A note.")
    assert (made["shape"], made["epochs"], made["minutes"]) == ("tiny > tiny", 4, 3)
    assert made["faces_without_votes"] == 1234
    assert planned_epochs(run) == 4
    compared = compared_run(run)
    assert (compared["seed"], compared["epochs"]) == (3, 4)
    assert (compared["run"], compared["command"]) == (run.as_posix(), command)
    text = making({"trained_by": made})
    first, second = text.split("### The second net")
    assert "below 0.61" in first
    assert "90 % where the first is less certain by 0.2" in first
    assert "the first net's 0.88 and 1.07, the second's 0.9 and 1.13" in first
    assert "A note." in first
    assert "7 of 100 were left out" in first
    assert "`runs/t/fp32.onnx`" in second
    assert "flattered" in second
    commands = remake({"trained_by": made, "version": "2"})
    order = [
        "--run runs/a",
        f"export --run {old}",
        f"quantise --run {old}",
        f"export --run {taught}",
        command,
        "pack --run",
    ]
    assert [commands.index(part) for part in order] == sorted(commands.index(part) for part in order)
    assert commands.count(command) == 1
    assert f"quantise --run {run}" not in commands
