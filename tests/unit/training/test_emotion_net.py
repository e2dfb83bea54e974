"""The net and its training parts (need torch)."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is only installed where models are trained")
pytest.importorskip("onnx", reason="onnx is only installed where models are trained")

from training.common import checkpoint  # noqa: E402
from training.common.ema import Ema  # noqa: E402
from training.common.runlog import RunLog  # noqa: E402
from training.emotion import data, keep  # noqa: E402
from training.emotion.config import TrainConfig  # noqa: E402
from training.emotion.export import ExportNet, export, parity  # noqa: E402
from training.emotion.labels import NO_LABEL, VOTE_COLUMNS  # noqa: E402
from training.emotion.model import ZOO, EmotionNet, NetShape, Stage, Stem, build  # noqa: E402
from training.emotion.targets import Targets, label_targets  # noqa: E402
from training.emotion.teachers import Teachers  # noqa: E402
from training.emotion.train import Batch, Trainer, loss_of, mismatched, parse  # noqa: E402

TINY = NetShape(stem=(Stem(4, 2),), stages=(Stage(6, 1, 2), Stage(8, 2, 2)))


@pytest.fixture
def net() -> EmotionNet:
    torch.manual_seed(0)
    net = EmotionNet(TINY)
    with torch.no_grad():  # away from the neutral start, so that folding has something to fold
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
    return net.eval()


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 48, 48), dtype=np.uint8)


def crowd_of_eight() -> data.Faces:
    votes = np.zeros((8, len(VOTE_COLUMNS)), dtype=np.int64)
    votes[np.arange(8), np.arange(8)] = 10
    return data.Faces(pictures(8), votes, np.arange(8) % 7)


@pytest.fixture
def zoo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ZOO, "tiny", TINY)


def test_brightness_and_contrast_do_not_reach_the_net(net: EmotionNet):
    image = torch.from_numpy(pictures(1) // 2)[..., None]
    plain, changed = net.standardise(image), net.standardise(image + 60)
    torch.testing.assert_close(plain, changed)
    assert abs(float(plain.mean())) < 1e-5
    assert float(plain.std()) == pytest.approx(1, abs=0.01)


def test_the_exported_form_gives_the_trained_logits_and_maps(net: EmotionNet):
    images = torch.from_numpy(pictures(4))[..., None]
    trained, exported = net(images), ExportNet(net).eval()(images)
    torch.testing.assert_close(exported.ferplus, trained.ferplus, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(exported.fer2013, trained.fer2013, atol=1e-4, rtol=1e-4)
    means = exported.activation.mean(dim=(2, 3)) + net.ferplus.bias
    torch.testing.assert_close(means, exported.ferplus, atol=1e-4, rtol=1e-4)


def test_a_cell_of_the_map_that_lies_between_two_of_the_whole_picture_is_half_of_each():
    torch.manual_seed(0)
    net = build("m32-48-96-256-i16-i64-i80-c5").eval()
    form = ExportNet(net).eval()
    exported = form(torch.from_numpy(pictures(2))[..., None])
    assert exported.features.shape == (2, 256, 6, 5)
    maps = form.maps(exported.features)[:, :8] * 6 / 5
    torch.testing.assert_close(exported.activation[..., 0], maps[..., 0] / 2, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(exported.activation[..., 2], (maps[..., 1] + maps[..., 2]) / 2, atol=1e-5, rtol=1e-5)
    means = exported.activation.mean(dim=(2, 3)) + net.ferplus.bias
    torch.testing.assert_close(means, exported.ferplus, atol=1e-4, rtol=1e-4)


def test_maps_that_cannot_be_laid_on_a_square_are_refused():
    shape = NetShape(stem=(Stem(4, 2, 4, 0),), stages=(Stage(6, 1, 2, padding=(0, 1)),))
    with pytest.raises(ValueError, match="11 rows and 12 columns"):
        ExportNet(EmotionNet(shape).eval())


def test_the_onnx_file_agrees_with_torch(net: EmotionNet, tmp_path: Path):
    export(net, tmp_path / "net.onnx")
    assert parity(net, tmp_path / "net.onnx", count=8) < 1e-4


def test_the_onnx_file_of_a_net_with_fewer_columns_agrees_with_torch(tmp_path: Path):
    torch.manual_seed(0)
    stages = (Stage(6, 1, 1), Stage(8, 1, 2, padding=(0, 0)), Stage(8, 1, 2, 5, padding=(1, 0)))
    net = EmotionNet(NetShape(stem=(Stem(4, 2, 4, 0),), stages=stages)).eval()
    export(net, tmp_path / "net.onnx")
    assert parity(net, tmp_path / "net.onnx", count=8) < 1e-4


def test_faces_without_labels_do_not_move_the_loss(net: EmotionNet):
    images = torch.from_numpy(pictures(3))[..., None]
    outputs = net(images)
    crowd = Targets(np.full((3, 8), 1 / 8, np.float32), np.array([1, 1, 0], np.float32))
    whole = Batch(images, crowd, label_targets(np.array([0, 1, NO_LABEL]), 7))
    first = np.arange(2)
    part = Batch(images[:2], crowd.rows(first), label_targets(first, 7))
    first_two = type(outputs)(*(value[:2] for value in outputs))
    torch.testing.assert_close(loss_of(outputs, whole, 0.5), loss_of(first_two, part, 0.5))


@pytest.mark.usefixtures("zoo")
def test_a_student_is_told_what_its_teacher_makes_of_the_very_view(net: EmotionNet, tmp_path: Path):
    export(net, tmp_path / "teacher.onnx")
    teachers = Teachers([tmp_path / "teacher.onnx"])
    config = TrainConfig(shape="tiny", epochs=1, batch=4, teacher_share=1.0, small_share=0.0)
    for batch in Trainer(config, crowd_of_eight(), tmp_path, teachers)._batches():
        said = teachers.probabilities(batch.images[..., 0].numpy())
        np.testing.assert_allclose(batch.crowd.distribution, said.ferplus, atol=1e-6)
        np.testing.assert_allclose(batch.fer2013.distribution, said.fer2013, atol=1e-6)


@pytest.mark.usefixtures("zoo")
def test_a_face_is_told_of_by_those_who_may_speak_of_its_fold(net: EmotionNet, tmp_path: Path):
    export(net, tmp_path / "zero.onnx")
    export(build("tiny").eval(), tmp_path / "one.onnx")
    of_folds = [tmp_path / "zero.onnx", tmp_path / "one.onnx"]
    fold = np.array([0, 1, 0, 1, 0, 1, 0, 1])
    config = TrainConfig(shape="tiny", epochs=1, batch=4, teacher_share=1.0, small_share=0.0)
    trainer = Trainer(config, crowd_of_eight(), tmp_path, Teachers([], of_folds), fold)
    spoke = set()
    for batch in trainer._batches():
        views = batch.images[..., 0].numpy()
        for path in of_folds:
            said = Teachers([path]).probabilities(views).ferplus
            spoke |= {path} if np.allclose(batch.crowd.distribution, said, atol=1e-6) else set()
    assert spoke == set(of_folds)
    assert trainer.maker.steps_per_epoch == 2


@pytest.mark.usefixtures("zoo")
def test_few_teachers_at_once_are_other_ones_in_another_batch(tmp_path: Path):
    for name in ("a", "b", "c"):
        export(build("tiny").eval(), tmp_path / f"{name}.onnx")
    paths = [tmp_path / f"{name}.onnx" for name in ("a", "b", "c")]
    config = TrainConfig(shape="tiny", epochs=4, batch=4, teacher_share=1.0, teachers_at_once=1, small_share=0.0)
    trainer = Trainer(config, crowd_of_eight(), tmp_path, Teachers(paths))
    spoke = []
    for trainer.epoch in range(config.epochs):
        for batch in trainer._batches():
            said = [Teachers([path]).probabilities(batch.images[..., 0].numpy()).ferplus for path in paths]
            spoke.append([np.allclose(batch.crowd.distribution, one, atol=1e-6) for one in said].index(True))
    assert set(spoke) == {0, 1, 2}


@pytest.mark.usefixtures("zoo")
def test_early_epochs_see_small_pictures_and_the_last_ones_uncovered_ones(tmp_path: Path):
    config = TrainConfig(shape="tiny", epochs=4, batch=4, small_share=0.5, small_side=36)
    trainer = Trainer(config, crowd_of_eight(), tmp_path)
    sides = []
    for trainer.epoch in range(config.epochs):
        sides.append({tuple(batch.images.shape[1:3]) for batch in trainer._batches()})
    assert sides == [{(36, 36)}, {(36, 36)}, {(48, 48)}, {(48, 48)}]


def test_the_average_moves_towards_the_net(net: EmotionNet):
    ema = Ema(net)
    before = ema.module.ferplus.weight.clone()
    with torch.no_grad():
        net.ferplus.weight += 1
    ema.update(net, decay=0.9)
    torch.testing.assert_close(ema.module.ferplus.weight, before + 0.1)


@pytest.mark.usefixtures("zoo")
def test_a_resumed_run_is_the_run_that_was_not_killed(tmp_path: Path):
    faces = crowd_of_eight()
    config = TrainConfig(shape="tiny", epochs=2, batch=4)

    straight = Trainer(config, faces, tmp_path / "a")
    straight.run_epoch()
    straight.save()
    straight.run_epoch()

    resumed = Trainer(config, faces, tmp_path / "a")
    resumed.resume()
    resumed.run_epoch()

    for one, two in zip(
        straight.ema.module.state_dict().values(), resumed.ema.module.state_dict().values(), strict=True
    ):
        assert torch.equal(one, two)


@pytest.mark.usefixtures("zoo")
def test_a_thinner_net_begins_with_what_the_fuller_one_has_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(ZOO, "thin", NetShape(stem=(Stem(4, 1),), stages=(Stage(6, 1, 2), Stage(8, 1, 2))))
    parent = Trainer(TrainConfig(shape="tiny", epochs=1, batch=4), crowd_of_eight(), tmp_path)
    parent.run_epoch()
    parent.save()
    child = Trainer(TrainConfig(shape="thin", epochs=1, batch=4), crowd_of_eight(), tmp_path / "child")
    taken = child.inherit(tmp_path / "last.pt")
    assert taken == ["stem 0", "stage 0 block 0", "stage 1 block 0", "ferplus", "fer2013"]
    mine, theirs = child.net.parts(), parent.ema.module.parts()
    for name in taken:
        for one, two in zip(mine[name].state_dict().values(), theirs[name].state_dict().values(), strict=True):
            assert torch.equal(one, two)


@pytest.mark.usefixtures("zoo")
def test_a_block_that_is_thinned_inside_keeps_its_strongest_channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(ZOO, "slim", NetShape(stem=(Stem(4, 2),), stages=(Stage(6, 1, 2), Stage(8, 2, 2, inner=5))))
    parent = Trainer(TrainConfig(shape="tiny", epochs=1, batch=4), crowd_of_eight(), tmp_path)
    for silenced in (parent.net.parts()[f"stage 1 block {block}"] for block in range(2)):
        silenced.body[1].weight.data[[0, 3, 6]] = 0.0
        silenced.body[1].bias.data[[0, 3, 6]] = 0.0
        silenced.body[4].weight.data.fill_(1.0)
    parent.ema.module.load_state_dict(parent.net.state_dict())
    parent.save()
    child = Trainer(TrainConfig(shape="slim", epochs=1, batch=4), crowd_of_eight(), tmp_path / "child")
    assert len(child.inherit(tmp_path / "last.pt")) == 6
    images = torch.from_numpy(crowd_of_eight().images[..., None])
    torch.testing.assert_close(
        child.ema.module.eval()(images).ferplus, parent.ema.module.eval()(images).ferplus, rtol=1e-4, atol=1e-5
    )


def test_a_checkpoint_is_never_half_written(tmp_path: Path):
    checkpoint.save(tmp_path / "last.pt", {"epoch": 1})
    checkpoint.save(tmp_path / "last.pt", {"epoch": 2})
    assert checkpoint.load(tmp_path / "last.pt") == {"epoch": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]


@pytest.mark.usefixtures("zoo")
def test_what_is_kept_is_a_parent_of_nearly_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    parent = Trainer(TrainConfig(shape="tiny", epochs=1, batch=4), crowd_of_eight(), tmp_path / "run")
    parent.run_epoch()
    parent.save()
    monkeypatch.setattr(keep, "trained_by", lambda *_: {"run": "run"})
    monkeypatch.setattr(keep, "epochs_of", lambda _: 1)
    monkeypatch.setattr("sys.argv", ["keep", "--run", str(tmp_path / "run"), "--to", str(tmp_path / "kept")])
    keep.main()
    child = Trainer(TrainConfig(shape="tiny", epochs=1, batch=4), crowd_of_eight(), tmp_path / "child")
    child.inherit(tmp_path / "kept" / "last.pt")
    for one, two in zip(child.net.parameters(), parent.ema.module.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-6)


def test_a_teacher_of_a_fold_that_it_saw_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    files = []
    for fold in range(2):
        files.append(tmp_path / f"half{fold}" / "int8.onnx")
        RunLog(files[-1].parent / "log.jsonl").write(event="start", config={"left_out": f"{fold}/2"})
    assert mismatched(files) == []
    assert len(mismatched(files[::-1])) == 2
    assert len(mismatched([*files, tmp_path / "unknown" / "int8.onnx"])) == 3
    with pytest.raises(SystemExit):
        parse(["--run", "r", "--teacher-of-fold", str(files[1]), str(files[0])])
    assert "is to speak of fold 0/2, but its log says that it left out 1/2" in capsys.readouterr().err
