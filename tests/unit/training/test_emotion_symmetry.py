"""Nets to which a face and its mirror image are one (need torch)."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is only installed where models are trained")
onnx = pytest.importorskip("onnx", reason="onnx is only installed where models are trained")

from training.common import checkpoint  # noqa: E402
from training.emotion import data, symmetry  # noqa: E402
from training.emotion.config import TrainConfig  # noqa: E402
from training.emotion.export import export  # noqa: E402
from training.emotion.inherit import inherit  # noqa: E402
from training.emotion.labels import VOTE_COLUMNS  # noqa: E402
from training.emotion.mirror import widen_stem  # noqa: E402
from training.emotion.model import ZOO, EmotionNet, Gate, NetShape, Stage, Stem  # noqa: E402
from training.emotion.quantise import quantise  # noqa: E402
from training.emotion.session import Session  # noqa: E402
from training.emotion.thaw import thaw  # noqa: E402
from training.emotion.train import Trainer  # noqa: E402

STAGES = (Stage(6, 1, 1), Stage(8, 1, 2, padding=(0, 0), gated=True), Stage(8, 2, 2, 5))
TINY = NetShape(stem=(Stem(4, 2, 4, 0),), stages=STAGES, mirrored=True)
PAIRS = (1, 0, 2, 3)  # the first two show each other's mirror image, the others their own


def fresh(shape: NetShape = TINY, seed: int = 0) -> EmotionNet:
    """A net whose norms are not neutral, and whose channels have partners."""
    torch.manual_seed(seed)
    net = EmotionNet(shape)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_()
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
            elif isinstance(module, Gate):
                module.excite.normal_(std=0.5)
                module.excite_bias.uniform_(0.5, 1.5)
    for _, partners in net.partners.named_buffers() if net.partners is not None else ():
        partners[: len(PAIRS)] = torch.tensor(PAIRS)
    return net.eval()


def narrow(inner: int) -> NetShape:
    """`TINY` with a first block that is only `inner` wide inside."""
    return NetShape(stem=TINY.stem, stages=(Stage(6, 1, 1, inner), *TINY.stages[1:]), mirrored=True)


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 48, 48), dtype=np.uint8)


def tensor(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images[..., None].copy())


@torch.inference_mode()
def test_a_projected_net_says_the_same_of_a_mirrored_face_and_shows_it_mirrored():
    net = fresh()
    plain, mirrored = tensor(pictures(4)), tensor(pictures(4)[:, :, ::-1])
    assert (net(plain).ferplus - net(mirrored).ferplus).abs().max() > 0.1
    symmetry.project(net)
    one, other = net(plain), net(mirrored)
    torch.testing.assert_close(one.ferplus, other.ferplus, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(one.fer2013, other.fer2013, atol=1e-5, rtol=1e-5)
    partners = net.partners.get_buffer("stage_2")
    torch.testing.assert_close(one.features, other.features.flip(3)[:, partners], atol=1e-4, rtol=1e-4)


def test_a_fresh_nets_channels_are_partners_by_neighbours():
    partners = EmotionNet(TINY).partners
    assert partners.get_buffer("stage_0").tolist() == [1, 0, 3, 2, 5, 4]
    assert partners.get_buffer("stage_2_block_0").tolist() == [1, 0, 3, 2, 4]


@torch.inference_mode()
@pytest.mark.parametrize("name", [name for name, shape in ZOO.items() if shape.mirrored])
@pytest.mark.parametrize("side", [48, 32])
def test_windows_of_the_mirrored_shapes_lie_symmetrically(name: str, side: int):
    torch.manual_seed(0)
    net = EmotionNet(ZOO[name]).eval()
    symmetry.project(net)
    faces = torch.from_numpy(np.random.default_rng(2).integers(0, 256, (2, side, side, 1), dtype=np.uint8))
    one, other = net(faces), net(faces.flip(2))
    torch.testing.assert_close(one.features, other.features.flip(3)[:, net.partners.get_buffer("stage_2")])
    torch.testing.assert_close(one.ferplus, other.ferplus)


def test_projecting_twice_is_projecting_once():
    net = fresh()
    symmetry.project(net)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    symmetry.project(net)
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name


@torch.inference_mode()
def test_partners_are_found_by_what_channels_show():
    net = fresh()
    symmetry.project(net)
    wanted = {name: value.clone() for name, value in net.partners.named_buffers()}
    for value in net.partners.buffers():
        value.copy_(torch.arange(len(value)))
    symmetry.find_partners(net, tensor(pictures(32)))
    assert net.partners.get_buffer("stem_0").tolist() == wanted["stem_0"].tolist() == list(PAIRS)
    for name, value in net.partners.named_buffers():
        assert value[value].tolist() == list(range(len(value))), name


def test_training_keeps_a_net_symmetric_and_hands_its_partners_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(ZOO, "tiny-mirrored", TINY)
    votes = np.zeros((8, len(VOTE_COLUMNS)), dtype=np.int64)
    votes[np.arange(8), np.arange(8)] = 10
    faces = data.Faces(pictures(8), votes, np.arange(8) % 7)
    trainer = Trainer(TrainConfig(shape="tiny-mirrored", epochs=1, batch=4, small_share=0.0), faces, tmp_path)
    trainer.net.load_state_dict(fresh().state_dict())
    trainer.run_epoch()
    trainer.save()
    child = Trainer(TrainConfig(shape="tiny-mirrored", epochs=1, batch=4), faces, tmp_path / "child")
    assert "partners" in child.inherit(tmp_path / "last.pt")
    assert child.net.partners.get_buffer("stem_0").tolist() == list(PAIRS)
    net = trainer.net.eval()
    with torch.inference_mode():
        one, other = (net(tensor(images)).ferplus for images in (pictures(4), pictures(4)[:, :, ::-1]))
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_a_mirrored_net_is_narrowed_by_pairs_and_stays_symmetric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(ZOO, "tiny-mirrored", TINY)
    parent = fresh()
    symmetry.project(parent)
    # Of the block's six inner channels only the pair and one more are heard: the other three may go unnoticed.
    norm = parent.parts()["stage 0 block 0"].body[1]
    norm.weight[3:] = norm.bias[3:] = 0.0
    checkpoint.save(tmp_path / "last.pt", {"config": {"shape": "tiny-mirrored"}, "ema": parent.state_dict()})
    child = EmotionNet(narrow(3))
    assert len(inherit(child, tmp_path / "last.pt")) == len(child.parts())
    assert child.partners.get_buffer("stage_0_block_0").tolist() == [1, 0, 2]
    said = child.eval()(tensor(pictures(4))).ferplus
    torch.testing.assert_close(said, parent(tensor(pictures(4))).ferplus, atol=1e-4, rtol=1e-4)
    symmetry.project(child)
    torch.testing.assert_close(child(tensor(pictures(4))).ferplus, said, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_a_gate_is_narrowed_with_its_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    wide, slim = (
        NetShape(stem=TINY.stem, stages=(Stage(8, 1, 1, inner, gated=True),), mirrored=True) for inner in (16, 8)
    )
    monkeypatch.setitem(ZOO, "wide-gated", wide)
    parent = fresh(wide)
    symmetry.project(parent)
    body = parent.parts()["stage 0 block 0"].body
    body[1].weight[8:] = body[1].bias[8:] = 0.0  # never heard
    body[2].excite[:, :2] = 0.0  # the first pair of hidden channels moves no gate
    checkpoint.save(tmp_path / "last.pt", {"config": {"shape": "wide-gated"}, "ema": parent.state_dict()})
    child = EmotionNet(slim)
    assert "stage 0 block 0" in inherit(child, tmp_path / "last.pt")
    said = child.eval()(tensor(pictures(4))).ferplus
    torch.testing.assert_close(said, parent(tensor(pictures(4))).ferplus, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_a_pair_without_room_for_two_leaves_its_place_to_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(ZOO, "tiny-mirrored", TINY)
    parent = fresh()
    parent.parts()["stage 0 block 0"].body[1].weight[:2] = 10.0  # the pair is the strongest
    checkpoint.save(tmp_path / "last.pt", {"config": {"shape": "tiny-mirrored"}, "ema": parent.state_dict()})
    child = EmotionNet(narrow(1))
    assert "stage 0 block 0" in inherit(child, tmp_path / "last.pt")
    assert child.partners.get_buffer("stage_0_block_0").tolist() == [0]


@torch.inference_mode()
def test_a_fresh_gate_changes_nothing_of_what_its_parent_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stages = tuple(stage._replace(gated=False) for stage in STAGES)
    plain = NetShape(stem=TINY.stem, stages=stages, mirrored=True)
    monkeypatch.setitem(ZOO, "tiny-plain", plain)
    parent = fresh(plain)
    checkpoint.save(tmp_path / "last.pt", {"config": {"shape": "tiny-plain"}, "ema": parent.state_dict()})
    child = EmotionNet(TINY)
    assert len(inherit(child, tmp_path / "last.pt")) == len(child.parts())
    torch.testing.assert_close(child.eval()(tensor(pictures(4))).ferplus, parent(tensor(pictures(4))).ferplus)


def test_a_gated_int8_file_says_what_the_float_one_says_and_the_same_in_any_batch(tmp_path: Path):
    net = fresh()
    export(net, tmp_path / "fp32.onnx")
    quantise(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", pictures(32))
    session, images = Session(tmp_path / "int8.onnx"), pictures(8)
    together = session.logits(images).ferplus
    assert np.abs(together - Session(tmp_path / "fp32.onnx").logits(images).ferplus).max() < 0.1 * together.std()
    assert np.array_equal(together, session.logits(images, batch=1).ferplus)
    nodes = onnx.load(tmp_path / "int8.onnx").graph.node
    makers = {name: node.op_type for node in nodes for name in node.output}
    pools = [node for node in nodes if node.op_type == "GlobalAveragePool"]
    assert len(pools) == 1
    # What runs over whole maps runs on bytes, and nothing multiplies a gate by a constant first.
    scaled = [node for node in nodes if node.op_type == "Mul" and makers[node.input[0]] == "DequantizeLinear"]
    assert len(scaled) == 1
    assert {makers[name] for name in (*scaled[0].input, *pools[0].input)} == {"DequantizeLinear"}
    assert sum(node.op_type == "Mul" for node in nodes) == 1


def test_the_int8_file_is_symmetric_too(tmp_path: Path):
    net = fresh()
    symmetry.project(net)
    export(net, tmp_path / "fp32.onnx")
    quantise(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", pictures(32))
    session, images = Session(tmp_path / "int8.onnx"), pictures(8)
    one, other = session.logits(images), session.logits(np.ascontiguousarray(images[:, :, ::-1]))
    # Standardisation adds a face's pixels in another order: now and then a value falls on the other side of a half.
    assert np.abs(one.ferplus - other.ferplus).mean() < 0.01 * one.ferplus.std()


def test_a_thawed_net_knows_its_partners_and_says_what_the_file_says(tmp_path: Path):
    net = fresh()
    symmetry.project(net)
    export(net, tmp_path / "fp32.onnx")
    thawed = EmotionNet(TINY)
    thaw(thawed, tmp_path / "fp32.onnx", pictures(32))
    assert thawed.partners is not None
    assert thawed.partners.get_buffer("stem_0").tolist() == list(PAIRS)
    symmetry.project(thawed)  # as every step of a training does
    with torch.inference_mode():
        torch.testing.assert_close(
            thawed(tensor(pictures(8))).ferplus, net(tensor(pictures(8))).ferplus, atol=1e-3, rtol=1e-3
        )


@torch.inference_mode()
def test_a_wider_first_window_sees_what_the_narrower_one_saw():
    donor = fresh(NetShape(stem=(Stem(4, 2),), stages=STAGES))
    net = fresh(seed=1)
    widen_stem(net, donor)
    images = donor.standardise(tensor(pictures(2)))
    ours, theirs = net.parts()["stem 0"](images), donor.parts()["stem 0"](images)
    torch.testing.assert_close(ours, theirs[:, :, 1:, 1:], atol=1e-5, rtol=1e-5)


def test_every_mirrored_shape_has_its_windows_in_the_middle():
    for shape in (shape for shape in ZOO.values() if shape.mirrored):
        across = 48
        for stem in shape.stem:
            across, left = divmod(across + 2 * stem.padding - stem.kernel, stem.stride)
            across += 1
            assert left == 0
        for stage in shape.stages:
            across, left = divmod(across + 2 * stage.padding[1] - 3, stage.stride)
            across += 1
            assert left == 0


def test_the_cells_of_every_mirrored_shape_lie_on_one_grid_over_the_whole_picture():
    for shape in (shape for shape in ZOO.values() if shape.mirrored):
        first, step, cells = 0.5, 1, 48
        windows = [(stem.kernel, stem.stride, stem.padding) for stem in shape.stem]
        windows += [(3, stage.stride, stage.padding[1]) for stage in shape.stages]
        for kernel, stride, padding in windows:  # the middle of the first cell, the way to the next, and how many
            first += step * ((kernel - 1) / 2 - padding)
            step, cells = step * stride, (cells + 2 * padding - kernel) // stride + 1
        left_out = (48 // step - cells) / 2
        assert first == (left_out + 0.5) * step


def test_other_nets_have_no_symmetry_to_keep():
    with pytest.raises(ValueError, match="mirrored"):
        symmetry.project(fresh(NetShape(stem=(Stem(4, 2),), stages=STAGES)))
