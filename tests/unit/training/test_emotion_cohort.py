"""Nets that are trained side by side (need torch)."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is only installed where models are trained")
pytest.importorskip("onnx", reason="onnx is only installed where models are trained")

from tests.unit.training.test_emotion_net import TINY as PLAIN  # noqa: E402
from tests.unit.training.test_emotion_net import crowd_of_eight, pictures  # noqa: E402
from tests.unit.training.test_emotion_symmetry import TINY as MIRRORED  # noqa: E402
from tests.unit.training.test_emotion_symmetry import fresh  # noqa: E402
from training.common import checkpoint  # noqa: E402
from training.common.streams import Streams  # noqa: E402
from training.emotion import carry, cohort, data, symmetry, unlabelled  # noqa: E402
from training.emotion.config import TrainConfig  # noqa: E402
from training.emotion.export import export, load_net  # noqa: E402
from training.emotion.faculty import Faculty  # noqa: E402
from training.emotion.flat import FlatNet  # noqa: E402
from training.emotion.labels import VOTE_COLUMNS  # noqa: E402
from training.emotion.members import Cohort, Member  # noqa: E402
from training.emotion.mixing import MixConfig  # noqa: E402
from training.emotion.model import ZOO, build  # noqa: E402
from training.emotion.record import trained_by  # noqa: E402
from training.emotion.steps import Steps  # noqa: E402
from training.emotion.teachers import Teachers  # noqa: E402
from training.emotion.train import Trainer  # noqa: E402
from training.emotion.views import ViewMaker  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def zoo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ZOO, "tiny", PLAIN)
    monkeypatch.setitem(ZOO, "tiny-mirrored", MIRRORED)


def images(count: int = 3) -> "torch.Tensor":
    return torch.from_numpy(pictures(count)[..., None])


@pytest.mark.parametrize("shape", ["tiny", "tiny-mirrored"])
def test_a_net_in_one_vector_answers_as_before_and_its_gradients_find_their_places(shape: str):
    torch.manual_seed(0)
    net = build(shape, dropout=0.0).eval()
    before = net(images()).ferplus
    flat = FlatNet(net)
    torch.testing.assert_close(net(images()).ferplus, before)
    gradients = [torch.randn(one.shape) for one in flat.weights]
    laid = torch.zeros_like(flat.vector)
    flat.lay_out(gradients, laid)
    moved = [one.detach() - gradient for one, gradient in zip(flat.weights, gradients, strict=True)]
    flat.vector.sub_(laid)
    for one, expected in zip(flat.weights, moved, strict=True):
        torch.testing.assert_close(one.detach(), expected)


def test_a_net_in_one_vector_is_mirrored_as_the_rule_says():
    ours, theirs = fresh(), fresh()
    symmetry.project(theirs)
    FlatNet(ours).mirror()
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value, msg=name)
    FlatNet(plain := build("tiny")).mirror()
    assert plain.partners is None


def uneven() -> data.Faces:
    """Eight faces, of which the raters found five neutral."""
    faces = crowd_of_eight()
    votes = faces.votes.copy()
    votes[:5] = votes[0]
    return data.Faces(faces.images, votes, faces.fer2013)


@pytest.mark.parametrize("taught", [False, True])
def test_a_member_steps_as_a_run_by_itself_does(tmp_path: Path, taught: bool):
    config = TrainConfig(
        shape="tiny", epochs=2, batch=4, dropout=0.0, small_share=0.5, calm_share=0.5, mix=MixConfig(chance=0.5)
    )
    Member(tmp_path / "teacher", TrainConfig(shape="tiny", epochs=1, seed=5), CPU, None).save(1)
    checkpoints, files = [tmp_path / "teacher" / "last.pt"], [tmp_path / "teacher.onnx"]
    export(load_net(checkpoints[0])[0], files[0])
    alone = Trainer(config, uneven(), tmp_path / "alone", Teachers(files) if taught else None)
    for _ in range(config.epochs):
        alone.run_epoch()
    maker = ViewMaker(config, uneven())
    members = [Member(tmp_path / name, config, CPU, None) for name in ("one", "other")]
    together = Cohort(members, checkpoints if taught else [], CPU)
    steps = iter(Steps(maker))
    for epoch in range(config.epochs):
        together.train_epoch(steps, epoch, maker.steps_per_epoch)
    for member in members:
        for net, wanted in ((member.flat.net, alone.net), (member.average.net, alone.ema.module)):
            for value, expected in zip(net.parameters(), wanted.parameters(), strict=True):
                torch.testing.assert_close(value, expected, atol=1e-5, rtol=1e-4)


def test_members_are_told_what_the_teachers_make_of_the_view_on_average(tmp_path: Path):
    paths = []
    for seed in (0, 1):
        config = TrainConfig(shape="tiny", epochs=1, seed=seed)
        Member(tmp_path / str(seed), config, CPU, None).save(1)
        paths.append(tmp_path / str(seed) / "last.pt")
    faculty = Faculty(paths, CPU, Streams(CPU, 0))
    nets = [build("tiny").eval() for _ in paths]
    for net, path in zip(nets, paths, strict=True):
        net.load_state_dict(checkpoint.load(path)["ema"])
    said = faculty.probabilities(images())
    wanted = sum(net(images()).ferplus.softmax(dim=1) for net in nets) / 2
    torch.testing.assert_close(said.ferplus, wanted.detach(), atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(said.fer2013.sum(dim=1), torch.ones(3))


def dataset(folder: Path) -> Path:
    """Eight train and eight valid faces, as sheets."""
    faces, target = crowd_of_eight(), folder / "emotions"
    target.mkdir(parents=True)
    with (target / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["split", "sheet", "position", "ferplus_row", *VOTE_COLUMNS, "fer2013"])
        for split in ("train", "valid"):
            cv2.imwrite(str(target / f"{split}-00.png"), carry.sheet_of(faces.images))
            for position, votes in enumerate(faces.votes):
                writer.writerow([split, f"{split}-00.png", position, position, *votes, "happy"])
    return folder


def test_the_program_leaves_runs_that_others_can_begin_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    where = dataset(tmp_path / "data")
    runs = [str(tmp_path / name) for name in ("a", "b")]
    members = [word for seed, run in enumerate(runs) for word in ("--member", run, "tiny-mirrored", str(seed))]
    command = ["cohort", "--data", str(where), *members, "--epochs", "3", "--batch", "4", "--device", "cpu"]
    monkeypatch.setattr("sys.argv", [*command, "--check-every", "2"])
    cohort.main()
    made = [trained_by(Path(run), 3) for run in runs]
    assert [one["seed"] for one in made] == [0, 1]
    assert [one["train_faces"] for one in made] == [8, 8]
    states = [checkpoint.load(Path(run) / "last.pt") for run in runs]
    assert [state["epoch"] for state in states] == [3, 3]
    name = "trunk.0.weight"
    assert not torch.equal(states[0]["ema"][name], states[1]["ema"][name])
    child = Member(tmp_path / "child", TrainConfig(shape="tiny-mirrored", epochs=1), CPU, Path(runs[0]) / "last.pt")
    torch.testing.assert_close(child.flat.net.state_dict()[name], states[0]["ema"][name], atol=1e-5, rtol=1e-5)


def test_a_training_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    where, run = dataset(tmp_path / "data"), tmp_path / "a"
    command = ["cohort", "--data", str(where), "--member", str(run), "tiny", "0", "--batch", "4", "--device", "cpu"]
    monkeypatch.setattr("sys.argv", [*command, "--epochs", "50", "--until", "0"])
    cohort.main()
    assert checkpoint.load(run / "last.pt")["epoch"] == 1
    assert "stopped after 1 of 50 epochs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--photographs"], "need a --teacher"),
        (["--teacher", "t.pt", "--teacher-share", "0"], "--teacher-share must be above 0"),
        (["--member", "run", "huge", "1"], "of the shapes"),
    ],
)
def test_what_cannot_be_trained_is_refused(words: list[str], said: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        cohort.parse(["--member", "run", "tiny", "0", "--epochs", "1", *words])
    assert said in capsys.readouterr().err


def test_faces_travel_unchanged_and_those_of_photographs_nearly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    where = dataset(tmp_path / "data")
    ramp = np.tile(np.linspace(0, 250, 48, dtype=np.uint8), (45, 48, 1))
    found = data.Faces(ramp, np.zeros((45, len(VOTE_COLUMNS)), np.int64), np.full(45, -1))
    monkeypatch.setattr(unlabelled, "load", lambda _: found)
    monkeypatch.setattr("sys.argv", ["carry", "--data", str(where), "--to", str(tmp_path / "small")])
    carry.main()
    for split in ("train", "valid"):
        before, after = data.load(where, split), data.load(tmp_path / "small", split)
        np.testing.assert_array_equal(after.images, before.images)
        np.testing.assert_array_equal(after.votes, before.votes)
    photographs = data.load(tmp_path / "small", data.PHOTOGRAPHS)
    assert len(photographs) == 45
    assert not photographs.votes.any()
    assert np.abs(photographs.images.astype(int) - ramp).max() <= 8
