"""The emotion network, its symmetry, batches, loss and export (need torch)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is only installed where models are trained")
onnx = pytest.importorskip("onnx", reason="onnx is only installed where models are trained")

from torch import nn  # noqa: E402

from training.common.recipe import Machine  # noqa: E402
from training.emotion import data, symmetry  # noqa: E402
from training.emotion.batches import Batch, BatchConfig, Batches, Target  # noqa: E402
from training.emotion.data import VOTE_COLUMNS  # noqa: E402
from training.emotion.export import (  # noqa: E402
    ExportNet,
    PackedPixels,
    export,
    fits,
    packed,
    packed_stem,
    parity,
    quantise,
)
from training.emotion.model import SHAPES, EmotionNet, Gate, Shape, Stage, Standardise, Stem  # noqa: E402
from training.emotion.session import Session  # noqa: E402
from training.emotion.train import Loss, TrainConfig, train, trained  # noqa: E402

STAGES = (Stage(6, 1, 1), Stage(8, 1, 2, padding=(0, 0), gated=True), Stage(8, 2, 2, 6))
TINY = Shape((Stem(4, 2, 4, 0),), STAGES)
CPU = torch.device("cpu")


def fresh(shape: Shape = TINY, seed: int = 0) -> EmotionNet:
    """A network whose norms are not neutral, so that folding has something to fold."""
    torch.manual_seed(seed)
    network = EmotionNet(shape)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_()
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
            elif isinstance(module, nn.Conv2d):
                module.weight.mul_(2)
            elif isinstance(module, Gate):
                module.excite.normal_(std=0.5)
                module.excite_bias.uniform_(0.5, 1.5)
    return network.eval()


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 48, 48), dtype=np.uint8)


def tensor(images: np.ndarray) -> "torch.Tensor":
    return torch.from_numpy(images[..., None].copy())


def eight_faces() -> data.Faces:
    votes = np.zeros((8, len(VOTE_COLUMNS)), dtype=np.int64)
    votes[np.arange(8), np.arange(8)] = 10
    return data.Faces(pictures(8), votes, np.arange(8) % 7)


def test_brightness_and_contrast_do_not_reach_the_network():
    image = tensor(pictures(1) // 2)
    plain, changed = Standardise()(image), Standardise()(image + 60)
    torch.testing.assert_close(plain, changed)
    assert abs(float(plain.mean())) < 1e-5
    assert float(plain.std()) == pytest.approx(1, abs=0.01)


@torch.inference_mode()
def test_a_projected_network_gives_a_mirrored_face_the_same_scores_and_mirrored_features():
    network = fresh()
    plain, mirrored = tensor(pictures(4)), tensor(pictures(4)[:, :, ::-1])
    assert (network(plain).ferplus - network(mirrored).ferplus).abs().max() > 0.1
    symmetry.project(network)
    one, other = network(plain), network(mirrored)
    torch.testing.assert_close(one.ferplus, other.ferplus, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(one.fer2013, other.fer2013, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(one.features, symmetry.swapped(other.features.flip(3), 1), atol=1e-4, rtol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("side", [48, 32])
def test_windows_of_every_shape_lie_symmetrically(name: str, side: int):
    torch.manual_seed(0)
    network = EmotionNet(SHAPES[name]).eval()
    symmetry.project(network)
    faces = torch.from_numpy(np.random.default_rng(2).integers(0, 256, (2, side, side, 1), dtype=np.uint8))
    one, other = network(faces), network(faces.flip(2))
    torch.testing.assert_close(one.features, symmetry.swapped(other.features.flip(3), 1))
    torch.testing.assert_close(one.ferplus, other.ferplus)


def test_projecting_twice_is_projecting_once():
    network = fresh()
    symmetry.project(network)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    symmetry.project(network)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("shape", [TINY, Shape((Stem(4, 2),), (Stage(6, 1, 2), Stage(8, 2, 2)))])
@torch.inference_mode()
def test_the_exported_form_gives_the_trained_logits_and_maps(shape: Shape):
    network = fresh(shape)
    images = tensor(pictures(4))
    expected, exported = network(images), ExportNet(network).eval()(images)
    torch.testing.assert_close(exported.ferplus, expected.ferplus, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(exported.fer2013, expected.fer2013, atol=1e-4, rtol=1e-4)
    means = exported.activation.mean(dim=(2, 3)) + network.ferplus.bias
    torch.testing.assert_close(means, exported.ferplus, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_a_map_that_lacks_a_column_is_squared_with_the_same_means():
    torch.manual_seed(0)
    network = EmotionNet(SHAPES["student"]).eval()
    form = ExportNet(network).eval()
    exported = form(tensor(pictures(2)))
    assert exported.features.shape == (2, 256, 6, 5)
    maps = form.maps(exported.features)[:, :8] * 6 / 5
    torch.testing.assert_close(exported.activation[..., 0], maps[..., 0] / 2, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(exported.activation[..., 2], (maps[..., 1] + maps[..., 2]) / 2, atol=1e-5, rtol=1e-5)


def test_the_onnx_file_agrees_with_torch_and_has_its_norms_folded(tmp_path: Path):
    network = fresh()
    export(network, tmp_path / "network.onnx")
    assert parity(network, tmp_path / "network.onnx", count=8) < 1e-4
    nodes = onnx.load(tmp_path / "network.onnx").graph.node
    assert "BatchNormalization" not in {node.op_type for node in nodes}
    assert sum(node.op_type == "Mul" for node in nodes) == 1  # a gate, and no constant before it


def test_an_int8_file_is_near_the_float_one_and_gives_the_same_bits_in_any_batch(tmp_path: Path):
    network = fresh()
    symmetry.project(network)
    export(network, tmp_path / "fp32.onnx")
    quantise(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", pictures(32))
    session, images = Session(tmp_path / "int8.onnx"), pictures(8)
    together = session.logits(images).ferplus
    assert np.abs(together - Session(tmp_path / "fp32.onnx").logits(images).ferplus).max() < 0.15 * together.std()
    assert np.array_equal(together, session.logits(images, batch=1).ferplus)
    assert session.outputs(images)["activation"].shape[:2] == (8, 8)
    # Standardisation adds a face's pixels in another order: now and then a value falls on the other side of a half.
    other = session.logits(np.ascontiguousarray(images[:, :, ::-1])).ferplus
    assert np.abs(together - other).mean() < 0.01 * together.std()


@torch.inference_mode()
def test_a_packed_stem_does_over_blocks_what_the_stem_does_over_pixels():
    torch.manual_seed(0)
    stem = nn.Conv2d(1, 5, 4, 2)
    assert fits(stem)
    plain = stem(Standardise()(tensor(pictures(3))))
    torch.testing.assert_close(packed_stem(stem)(PackedPixels()(tensor(pictures(3)))), plain)
    assert packed(torch.arange(16.0).reshape(1, 1, 4, 4))[0, :, 0, 0].tolist() == [0, 1, 4, 5]  # rows and columns 0, 1


@pytest.mark.parametrize("stem", [nn.Conv2d(1, 4, 3, 2), nn.Conv2d(1, 4, 4, 2, 1), nn.Conv2d(1, 4, 4, 1)])
def test_only_windows_of_four_in_steps_of_two_without_padding_can_be_packed(stem: nn.Conv2d):
    assert not fits(stem)


def test_a_batch_follows_from_its_number_and_few_faces_make_a_smaller_one():
    config = BatchConfig(epochs=4, batch=4, small_share=0.5, small_side=36, calm_share=0.25)
    batches = Batches(eight_faces(), config)
    assert len(batches) == 8
    for step in (0, 5):
        one, two = batches[step], Batches(eight_faces(), config)[step]
        assert torch.equal(one.images, two.images)
        assert torch.equal(one.ferplus.distribution, two.ferplus.distribution)
    assert [batches[step].images.shape[1] for step in range(0, 8, 2)] == [36, 36, 48, 48]
    assert batches[0].views.shape == (4, 48, 48, 1)
    few = Batches(eight_faces(), replace(config, batch=128))
    assert len(few) == 4
    assert few[0].images.shape[0] == 8


def batch_of(faces: data.Faces, step: int = 0) -> Batch:
    made = Batches(faces, BatchConfig(epochs=9, batch=8, small_share=0, calm_share=1.0))[step]
    return made._replace(step=step)


def test_faces_without_labels_do_not_move_the_loss():
    network = fresh()
    config = TrainConfig("small", BatchConfig(epochs=1))
    batch = batch_of(eight_faces())
    unlabelled = torch.arange(8) % 2 == 0
    weight = batch.ferplus.weight * unlabelled
    part = batch._replace(
        images=batch.images[unlabelled],
        rarity=batch.rarity[unlabelled],
        **{name: Target(*(value[unlabelled] for value in getattr(batch, name))) for name in ("ferplus", "fer2013")},
    )
    whole = batch._replace(ferplus=batch.ferplus._replace(weight=weight), fer2013=batch.fer2013._replace(weight=weight))
    loss = Loss(config, [], CPU)
    torch.testing.assert_close(loss(network, whole)["loss"], loss(network, part)["loss"], atol=1e-2, rtol=1e-2)
    none = Target(batch.ferplus.distribution, torch.zeros(8))
    nothing = batch._replace(ferplus=none, fer2013=none._replace(distribution=batch.fer2013.distribution))
    assert loss(network, nothing)["loss"].item() == 0


def test_teachers_take_turns_and_have_all_the_say_about_a_face_without_votes():
    teachers = [fresh(seed=seed) for seed in range(3)]
    loss = Loss(TrainConfig("small", BatchConfig(epochs=1), teachers_per_step=1), teachers, CPU)
    batch = batch_of(eight_faces())
    for step in range(3):
        expected = teachers[step](batch.views).ferplus.softmax(dim=1)
        torch.testing.assert_close(loss._taught(batch._replace(step=step))[0], expected)
    target = Target(torch.eye(8)[[0, 1]], torch.tensor([1.0, 0.0])).taught(torch.eye(8)[[2, 2]], 0.6)
    torch.testing.assert_close(target.distribution[0, [0, 2]], torch.tensor([0.4, 0.6]))
    torch.testing.assert_close(target.distribution[1, 2], torch.tensor(1.0))
    torch.testing.assert_close(target.weight, torch.tensor([1.0, 0.6]))


def test_training_keeps_a_network_symmetric_and_its_average_is_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(SHAPES, "tiny", TINY)
    config = TrainConfig("tiny", BatchConfig(epochs=2, batch=4), dropout=0.2)
    train(tmp_path, config, eight_faces(), [fresh()], Machine(CPU, 0))
    network = trained(tmp_path, "tiny")
    assert not network.training
    with torch.inference_mode():
        one, other = (network(tensor(images)).ferplus for images in (pictures(4), pictures(4)[:, :, ::-1]))
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
