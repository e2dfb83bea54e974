"""Decoding as the contract says it, and the service's own decoding beside it."""

import numpy as np

from mien.vision.boxes import nms as service_nms
from training.detector.predictor import grid, letterbox, suppress


def test_cells_run_by_stride_then_row_then_column() -> None:
    centres, strides = grid(64, 96)
    assert len(centres) == 64 * 96 * (1 / 64 + 1 / 256 + 1 / 1024)
    np.testing.assert_array_equal(centres[:2], [[4, 4], [12, 4]])
    np.testing.assert_array_equal(centres[12], [4, 12])  # twelve cells of stride 8 in a row of 96 px
    np.testing.assert_array_equal(centres[-1], [80, 48])
    assert np.unique(strides).tolist() == [8, 16, 32]
    assert (np.diff(strides) >= 0).all()


def test_the_letterbox_keeps_the_shape_and_pads_right_and_below_with_black() -> None:
    canvas, scale = letterbox(np.full((200, 400, 3), 255, np.uint8), 320)
    assert canvas.shape == (160, 320, 3)
    assert scale == 0.8
    canvas, scale = letterbox(np.full((90, 100, 3), 255, np.uint8), 320)
    assert canvas.shape == (288, 320, 3)
    canvas, _ = letterbox(np.full((80, 100, 3), 255, np.uint8), 320)
    assert canvas.shape == (256, 320, 3)
    canvas, _ = letterbox(np.full((100, 78, 3), 255, np.uint8), 320)
    assert (canvas[:, 250:] == 0).all()
    assert (canvas[:, :249] == 255).all()


def test_suppression_keeps_the_best_of_overlapping_boxes_as_the_service_does() -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 100, (60, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(10, 40, (60, 2))], axis=1).astype(np.float32)
    scores = rng.random(60).astype(np.float32)
    kept = suppress(boxes, scores)
    assert kept[0] == scores.argmax()
    assert (np.diff(scores[kept]) <= 0).all()
    np.testing.assert_array_equal(kept, service_nms(boxes, scores, 0.45, 1000))
