"""The detector's network, assignment, losses, batches and export (need torch)."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is only installed where models are trained")
onnx = pytest.importorskip("onnx", reason="onnx is only installed where models are trained")

from mien.runtime import Session  # noqa: E402
from mien.store import StoredModel  # noqa: E402
from mien.vision.detector import OUTPUTS  # noqa: E402
from training.common.stages import sha256  # noqa: E402
from training.detector.batches import BatchConfig, Batches, Material, crowding  # noqa: E402
from training.detector.data import PixelCache, parse  # noqa: E402
from training.detector.export import export  # noqa: E402
from training.detector.losses import (  # noqa: E402
    LossWeights,
    Targets,
    assign,
    cell_weights,
    detector_loss,
    eiou_loss,
    focal,
    landmark_loss,
    pairwise_iou,
    wanted_scores,
)
from training.detector.model import FaceDetector, ModelConfig, cell_centres, decode  # noqa: E402
from training.detector.quantise import quantise  # noqa: E402

FILES = ("int8.onnx", "fp32.onnx")
TINY = ModelConfig(stem=(4, 6), widths=(6, 8, 10), depths=(1, 2, 1), neck=8)


@pytest.fixture
def network() -> FaceDetector:
    torch.manual_seed(0)
    network = FaceDetector(TINY)
    with torch.no_grad():  # away from the neutral start, so that folding has something to fold
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_()
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2.0)
        for predictor in network.predictors:
            predictor.weight.normal_(std=0.2)
    return network.eval()


def _prior(side: int) -> tuple["torch.Tensor", "torch.Tensor", "torch.Tensor", "torch.Tensor"]:
    """Logits, boxes, centres and strides of an untrained network: each cell guesses four strides square."""
    centres, strides = cell_centres(side, side)
    half = 2 * strides[:, None]
    boxes = torch.cat([centres - half, centres + half], dim=1)[None]
    return torch.full((1, len(centres)), -4.6), boxes, centres, strides


def _assigned(
    *faces: list[float], ignore: tuple[bool, ...] = ()
) -> tuple["torch.Tensor", "torch.Tensor", "torch.Tensor"]:
    """Face per cell, counted per cell, stride per cell on a 320 px picture."""
    logits, boxes, centres, strides = _prior(320)
    left_out = torch.tensor([ignore or (False,) * len(faces)])
    result = assign(logits, boxes, centres, strides, torch.tensor([faces]), ~left_out, left_out)
    return result.face[0], result.counted[0], strides


def test_cells_run_by_stride_then_row_then_column() -> None:
    centres, strides = cell_centres(64, 96)
    assert len(centres) == 64 * 96 * (1 / 64 + 1 / 256 + 1 / 1024)
    assert centres[:2].tolist() == [[4, 4], [12, 4]]
    assert centres[12].tolist() == [4, 12]  # twelve cells of stride 8 in a row of 96 px
    assert centres[-1].tolist() == [80, 48]
    assert (strides.diff() >= 0).all()


@pytest.mark.parametrize(("side", "stride"), [(32, 8), (64, 16), (128, 32)])
def test_a_face_goes_to_the_stride_whose_cells_fit_it(side: int, stride: int) -> None:
    face, _, strides = _assigned([100.0, 100.0, 100.0 + side, 100.0 + side])
    assert set(strides[face == 0].tolist()) == {float(stride)}


@pytest.mark.parametrize("corner", [29.0, 30.5, 33.0])
def test_the_smallest_and_the_largest_face_get_cells(corner: float) -> None:
    face, _, _ = _assigned([corner, corner, corner + 6, corner + 6], [0.0, 40.0, 320.0, 320.0])
    assert set(face.unique().tolist()) == {-1, 0, 1}


def test_a_cell_answers_for_one_face_only_and_lies_inside_it() -> None:
    faces = [[100.0, 100.0, 140.0, 140.0], [120.0, 100.0, 160.0, 140.0]]
    face, _, _ = _assigned(*faces)
    centres, _ = cell_centres(320, 320)
    for i, (x1, y1, x2, y2) in enumerate(faces):
        mine = centres[face == i]
        assert len(mine)
        assert ((mine > torch.tensor([x1, y1])) & (mine < torch.tensor([x2, y2]))).all()


def test_cells_inside_an_ignored_face_are_left_out_of_the_score_unless_they_answer_for_another() -> None:
    face, counted, _ = _assigned([100.0, 100.0, 200.0, 200.0], [0.0, 0.0, 150.0, 150.0], ignore=(False, True))
    centres, _ = cell_centres(320, 320)
    within = ((centres > 0) & (centres < 150)).all(1)
    assert not counted[within & (face < 0)].any()
    assert counted[~within].all()
    assert counted[face == 0].all()
    assert not (face == 1).any()


def test_a_batch_without_faces_has_only_empty_cells() -> None:
    logits, boxes, centres, strides = _prior(64)
    nothing = torch.zeros((1, 0), dtype=torch.bool)
    result = assign(logits, boxes, centres, strides, torch.zeros(1, 0, 4), nothing, nothing)
    assert (result.face == -1).all()
    assert result.counted.all()


def test_overlaps_and_box_loss() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [5.0, 0, 15, 10]])
    np.testing.assert_allclose(pairwise_iou(boxes[None], boxes[None])[0].numpy(), [[1, 1 / 3], [1 / 3, 1]], rtol=1e-5)
    assert eiou_loss(boxes, boxes).abs().max() < 1e-5
    # 1 - 1/3, plus the centres 5 apart over the hull's diagonal (15, 10)
    assert eiou_loss(boxes[:1], boxes[1:]).item() == pytest.approx(2 / 3 + 25 / 325, rel=1e-4)


def test_the_score_loss_is_least_at_presence_whatever_the_overlap() -> None:
    logits = torch.tensor([-3.0, 0.0, 3.0])
    assert focal(logits, torch.ones(3)).diff().max() < 0
    assert focal(logits, torch.zeros(3)).diff().min() > 0


def test_faces_that_are_not_upright_are_wanted_with_a_lower_score() -> None:
    upright = torch.tensor([[-2.0, -2], [2, -2], [0, 0], [-1.5, 2], [1.5, 2]])
    angles = torch.deg2rad(torch.tensor([0.0, 50, -50, 70, -90, 180]))
    turns = torch.stack([torch.stack([a.cos(), a.sin(), -a.sin(), a.cos()]).view(2, 2) for a in angles])
    unknown = torch.full((1, 5, 2), float("nan"))
    faces = torch.cat([upright @ turns, unknown]) + 100
    assert wanted_scores(faces, 0.6).tolist() == pytest.approx([1, 1, 1, 0.6, 0.6, 0.6, 1])
    assert focal(torch.tensor([-0.5, 0.405, 1.5]), torch.full((3,), 0.6)).argmin() == 1  # the logit of 0.6


def test_unknown_landmarks_cost_nothing() -> None:
    points, faces = torch.ones(2, 5, 2), torch.tensor([[0.0, 0, 10, 10]] * 2)
    wanted = torch.full((2, 5, 2), float("nan"))
    assert landmark_loss(points, wanted, faces).item() == 0
    wanted[0] = 1.0
    assert landmark_loss(points, wanted, faces).item() == 0
    wanted[0, 0] = 2.0
    assert landmark_loss(points, wanted, faces).item() > 0


def test_the_loss_is_finite_without_any_face() -> None:
    centres, strides = cell_centres(64, 64)
    raw = torch.zeros(2, len(centres), 15, requires_grad=True)
    nothing = torch.zeros(2, 0, dtype=torch.bool)
    targets = Targets(torch.zeros(2, 0, 4), torch.zeros(2, 0, 5, 2), nothing, nothing)
    loss = detector_loss(raw, centres, strides, targets, LossWeights())["loss"]
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(raw.grad).all()


def test_a_face_of_few_cells_weighs_as_much_as_one_of_many() -> None:
    face = torch.tensor([[0, 0, 0, 0, 1, -1, -1], [-1, 1, -1, -1, -1, -1, -1]])
    weights = cell_weights(face, faces=2)
    assert weights[0].tolist() == pytest.approx([2.5**0.5] * 4 + [10**0.5, 1, 1])
    assert weights[1].tolist() == pytest.approx([1, 10**0.5, 1, 1, 1, 1, 1])


def test_decode_measures_from_the_cell_in_strides() -> None:
    centres, strides = cell_centres(32, 32)
    raw = torch.zeros(1, len(centres), 15)
    raw[..., 5:] = 1.0
    _, boxes, landmarks = decode(raw, centres, strides)
    assert boxes[0, -1].tolist() == [-16.0, -16.0, 48.0, 48.0]  # one stride each way from (16, 16)
    assert landmarks[0, 0].tolist() == [[12.0, 12.0]] * 5


def _session(path: Path) -> Session:
    return Session(StoredModel("face-detector", "", path.parent, {"file": path.name, "sha256": sha256(path)}), OUTPUTS)


def test_the_exported_file_keeps_the_contract_at_any_size(network: FaceDetector, tmp_path: Path) -> None:
    export(network, tmp_path / "model.onnx")  # compares itself with torch
    session = _session(tmp_path / "model.onnx")
    for n, h, w in ((1, 32, 32), (2, 96, 160), (1, 64, 32)):
        scores, boxes, landmarks = session.run(np.zeros((n, h, w, 3), np.uint8))
        cells = h * w // 64 + h * w // 256 + h * w // 1024
        assert (scores.shape, boxes.shape, landmarks.shape) == ((n, cells), (n, cells, 4), (n, cells, 10))
        assert ((scores >= 0) & (scores <= 1)).all()
        assert (boxes >= 0).all()


def test_the_exported_file_does_what_the_network_does(network: FaceDetector, tmp_path: Path) -> None:
    export(network, tmp_path / "model.onnx")
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), np.uint8)
    scores, distances, _ = _session(tmp_path / "model.onnx").run(pictures)
    with torch.no_grad():
        raw = network(torch.from_numpy(pictures).permute(0, 3, 1, 2).float())
    np.testing.assert_allclose(scores, raw[..., 0].sigmoid(), atol=1e-4)
    _, boxes, _ = decode(raw, *cell_centres(64, 96))
    centres = cell_centres(64, 96)[0].numpy()
    np.testing.assert_allclose(centres - distances[..., :2], boxes[..., :2], atol=0.05)
    assert "BatchNormalization" not in {node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node}


def test_the_int8_file_reads_the_pictures_bytes_and_stays_near_the_float_one(
    network: FaceDetector, tmp_path: Path
) -> None:
    export(network, tmp_path / "fp32.onnx")
    pictures = np.random.default_rng(0).integers(0, 256, (6, 1, 64, 64, 3), np.uint8)
    pictures[0, 0, :32], pictures[0, 0, 32:] = 0, 255
    quantise(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", iter(pictures))
    ours, exact = (_session(tmp_path / name).run(pictures[1])[0] for name in FILES)
    assert np.abs(ours - exact).mean() < 0.05
    casts = [sum(node.op_type == "Cast" for node in onnx.load(tmp_path / name).graph.node) for name in FILES]
    assert casts[0] == casts[1] - 1  # the one that makes floats of the bytes


def test_the_widened_stem_computes_the_same_numbers(
    network: FaceDetector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(network, tmp_path / "fp32.onnx")
    pictures = np.random.default_rng(0).integers(0, 256, (3, 1, 64, 64, 3), np.uint8)
    pictures[0, 0, :32], pictures[0, 0, 32:] = 0, 255
    with monkeypatch.context() as context:
        context.setattr("training.detector.quantise.widen", lambda _: None)
        quantise(tmp_path / "fp32.onnx", tmp_path / "narrow.onnx", iter(pictures))
    quantise(tmp_path / "fp32.onnx", tmp_path / "wide.onnx", iter(pictures))
    convolutions = [
        next(node for node in onnx.load(tmp_path / name).graph.node if node.op_type == "Conv").attribute
        for name in ("narrow.onnx", "wide.onnx")
    ]
    kernels = [list(next(a.ints for a in attributes if a.name == "kernel_shape")) for attributes in convolutions]
    assert kernels == [[3, 3], [3, 2]]
    for shape in ((1, 64, 96, 3), (2, 32, 160, 3)):
        images = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
        narrow, wide = (_session(tmp_path / f"{name}.onnx").run(images) for name in ("narrow", "wide"))
        for ours, theirs in zip(wide, narrow, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.fixture
def material(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Material:
    """Two photographs with a face each, and no face-free one."""
    row = {"file": "a", "width": 120, "height": 100, "source": "street", "faces": [{"box": [30, 20, 40, 50]}]}
    photographs = [parse(row, 1), parse(row, 2)]
    pixels = np.random.default_rng(0).integers(0, 256, (100, 120, 3), np.uint8)
    monkeypatch.setattr("training.detector.data.read_picture", lambda *_: pixels)
    cache = PixelCache(tmp_path / "pixels.bgr", photographs)
    cache.build(tmp_path, photographs)
    return Material(photographs, cache, [0, 1])


def test_a_batch_follows_from_its_number(material: Material) -> None:
    config = BatchConfig(views=((96, 3, 1.0),), calm_share=0.5)
    batches, again = (Batches(material, config, 8) for _ in range(2))
    for index in (0, 3, 7):
        for name, value in batches[index].items():
            torch.testing.assert_close(again[index][name], value, equal_nan=True)
    assert batches[0]["pictures"].shape == (3, 96, 96, 3)
    assert not torch.equal(batches[0]["pictures"], batches[1]["pictures"])


def test_crowds_are_drawn_more_often() -> None:
    assert crowding(np.zeros(9, np.bool_)) == 3
    assert crowding(np.ones(9, np.bool_)) == crowding(np.zeros(0, np.bool_)) == 1
