"""The detector's network, assignment, losses and export (need torch)."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is only installed where models are trained")
onnx = pytest.importorskip("onnx", reason="onnx is only installed where models are trained")

from training.detector.assign import assign, pairwise_iou  # noqa: E402
from training.detector.deepen import deepen  # noqa: E402
from training.detector.export import PIXEL_TOLERANCE, batch_difference, parity  # noqa: E402
from training.detector.losses import (  # noqa: E402
    LossWeights,
    Targets,
    cell_weights,
    detector_loss,
    eiou_loss,
    landmark_loss,
)
from training.detector.model import FaceDetector, ModelConfig, cell_centres, decode  # noqa: E402
from training.detector.onnx_graph import build  # noqa: E402
from training.detector.predictor import grid, open_session  # noqa: E402
from training.detector.train import TrainConfig, Trainer, load_average, model_config, rate  # noqa: E402

TINY = ModelConfig(stem=(4, 6), widths=(6, 8, 10), depths=(1, 2, 1), neck=8)


@pytest.fixture
def net() -> FaceDetector:
    torch.manual_seed(0)
    net = FaceDetector(TINY)
    with torch.no_grad():  # away from the neutral start, so that folding has something to fold
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_()
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2.0)
        for predictor in net.predictors:
            predictor.weight.normal_(std=0.2)
    return net.eval()


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


def test_cells_are_in_the_order_of_the_contract() -> None:
    centres, strides = cell_centres(64, 96)
    wanted_centres, wanted_strides = grid(64, 96)
    np.testing.assert_array_equal(centres.numpy(), wanted_centres)
    np.testing.assert_array_equal(strides.numpy(), wanted_strides)


@pytest.mark.parametrize(("side", "stride"), [(32, 8), (64, 16), (128, 32)])
def test_a_face_goes_to_the_stride_whose_cells_fit_it(side: int, stride: int) -> None:
    face, _, strides = _assigned([100.0, 100.0, 100.0 + side, 100.0 + side])
    assert set(strides[face == 0].tolist()) == {float(stride)}


def test_the_smallest_and_the_largest_face_get_cells() -> None:
    face, _, _ = _assigned([30.0, 30.0, 39.0, 39.0], [0.0, 40.0, 320.0, 320.0])
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


def test_unknown_landmarks_cost_nothing() -> None:
    points, faces = torch.ones(2, 5, 2), torch.tensor([[0.0, 0, 10, 10]] * 2)
    wanted = torch.full((2, 5, 2), float("nan"))
    assert landmark_loss(points, wanted, faces).item() == 0
    wanted[0] = 1.0
    assert landmark_loss(points, wanted, faces).item() == 0
    wanted[0, 0] = 2.0
    assert landmark_loss(points, wanted, faces).item() > 0


def test_a_few_steps_lower_the_loss_and_a_resumed_run_takes_the_same_next_step(tmp_path: Path) -> None:
    torch.manual_seed(0)
    picture = torch.zeros(1, 64, 64, 3, dtype=torch.uint8)
    picture[:, 16:48, 16:48] = 255
    batch = {
        "pictures": picture,
        "boxes": torch.tensor([[[16.0, 16, 48, 48]]]),
        "landmarks": torch.full((1, 1, 5, 2), 30.0),
        "real": torch.ones(1, 1, dtype=torch.bool),
        "ignore": torch.zeros(1, 1, dtype=torch.bool),
    }
    config = TrainConfig(iterations=100, warmup=1, learning_rate=0.02, bfloat16=False)
    trainer = Trainer(tmp_path, config, TINY, LossWeights())
    losses = [trainer.step(batch)["loss"] for _ in range(30)]
    assert losses[-1] < 0.7 * losses[0]
    trainer.save(tmp_path / "last.pt")
    other = Trainer(tmp_path, config, TINY, LossWeights())
    other.restore(tmp_path / "last.pt")
    assert other.step(batch)["loss"] == pytest.approx(trainer.step(batch)["loss"], rel=1e-5)
    model, iterations = load_average(tmp_path / "last.pt")
    assert iterations == 30
    assert model.config == TINY


def test_the_loss_is_finite_without_any_face() -> None:
    centres, strides = cell_centres(64, 64)
    raw = torch.zeros(2, len(centres), 15, requires_grad=True)
    nothing = torch.zeros(2, 0, dtype=torch.bool)
    targets = Targets(torch.zeros(2, 0, 4), torch.zeros(2, 0, 5, 2), nothing, nothing)
    loss, _ = detector_loss(raw, centres, strides, targets, LossWeights())
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(raw.grad).all()


def test_a_face_of_few_cells_is_heard_as_well_as_one_of_many() -> None:
    face = torch.tensor([[0, 0, 0, 0, 1, -1, -1], [-1, 1, -1, -1, -1, -1, -1]])
    weights = cell_weights(face, faces=2)
    assert weights[0].tolist() == pytest.approx([2.5**0.5] * 4 + [10**0.5, 1, 1])
    assert weights[1].tolist() == pytest.approx([1, 10**0.5, 1, 1, 1, 1, 1])


def test_the_rate_warms_up_and_falls_to_its_floor() -> None:
    config = TrainConfig(iterations=1000, warmup=10, learning_rate=1.0, final_rate=0.01)
    assert rate(config, 0) == pytest.approx(0.1)
    assert rate(config, 10) == pytest.approx(1.0)
    assert rate(config, 505) == pytest.approx(0.505, abs=0.01)
    assert rate(config, 1000) == pytest.approx(0.01)


def test_the_exported_file_does_what_the_network_does(net: FaceDetector, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(build(net, 7), path)
    pictures = [np.random.default_rng(i).integers(0, 256, (64, 96, 3), np.uint8) for i in range(3)]
    score_error, pixel_error = parity(net, path, pictures)
    assert score_error < 1e-5
    assert pixel_error < PIXEL_TOLERANCE
    assert batch_difference(path, pictures) == 0.0


def test_the_exported_file_keeps_the_contract_at_any_size(net: FaceDetector, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(build(net), path)
    session = open_session(path)
    for n, h, w in ((1, 32, 32), (2, 96, 160), (1, 64, 32)):
        scores, boxes, landmarks = session.run(None, {"images": np.zeros((n, h, w, 3), np.uint8)})
        cells = h * w // 64 + h * w // 256 + h * w // 1024
        assert (scores.shape, boxes.shape, landmarks.shape) == ((n, cells), (n, cells, 4), (n, cells, 10))
        assert ((scores >= 0) & (scores <= 1)).all()
        assert (boxes >= 0).all()


def test_decode_measures_from_the_cell_in_strides() -> None:
    centres, strides = cell_centres(32, 32)
    raw = torch.zeros(1, len(centres), 15)
    raw[..., 5:] = 1.0
    _, boxes, landmarks = decode(raw, centres, strides)
    assert boxes[0, -1].tolist() == [-16.0, -16.0, 48.0, 48.0]  # one stride each way from (16, 16)
    assert landmarks[0, 0].tolist() == [[12.0, 12.0]] * 5


def test_a_deeper_network_begins_as_the_shallow_one(net: FaceDetector) -> None:
    deep = FaceDetector(ModelConfig(stem=(4, 6), widths=(6, 8, 10), depths=(2, 2, 3), neck=8, head_depths=(2, 1, 2)))
    pictures = torch.rand(4, 3, 128, 128) * 255
    added = deepen(net, deep, pictures)
    assert added == ["stages.0.1", "stages.2.1", "stages.2.2", "heads.0.1", "heads.2.1"]
    with torch.no_grad():
        torch.testing.assert_close(deep.eval()(pictures), net(pictures), rtol=1e-3, atol=1e-3)
        # what a norm sees in training: its statistics were taken on these very pictures
        features = net.stages[0](net.stem(pictures / 255))
        new = deep.stages[0][1].train()
        torch.testing.assert_close(new(features), features, rtol=1e-2, atol=1e-2)


def test_early_checkpoints_name_one_depth_for_all_heads() -> None:
    early = {"stem": [4, 6], "widths": [6, 8, 10], "depths": [1, 2, 1], "neck": 8, "head_depth": 1}
    assert model_config(early) == TINY
