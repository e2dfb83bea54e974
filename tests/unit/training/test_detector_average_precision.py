"""Average precision on cases small enough to work out by hand."""

import numpy as np
import pytest

from training.detector.average_precision import FOUND, LEFT_OUT, WRONG, curve, iou_matrix, match

FACE, OTHER = [0, 0, 10, 10], [50, 50, 60, 60]


def _boxes(*boxes: list[float]) -> np.ndarray:
    return np.array(boxes, np.float32).reshape(-1, 4)


def _scores(*scores: float) -> np.ndarray:
    return np.array(scores, np.float32)


def _counted(*counted: bool) -> np.ndarray:
    return np.array(counted, np.bool_)


def test_iou() -> None:
    overlaps = iou_matrix(_boxes(FACE), _boxes(FACE, [5, 0, 15, 10], OTHER, [np.nan] * 4))
    np.testing.assert_allclose(overlaps, [[1, 1 / 3, 0, 0]], atol=1e-6)


def test_a_face_is_found_once_and_a_second_detection_of_it_is_wrong() -> None:
    seen = match(_boxes(FACE, FACE), _scores(0.9, 0.8), _boxes(FACE), _counted(True))
    assert seen.outcome.tolist() == [FOUND, WRONG]


def test_a_detection_of_a_face_left_out_counts_neither_way() -> None:
    seen = match(_boxes(FACE, OTHER), _scores(0.9, 0.8), _boxes(FACE, OTHER), _counted(False, True))
    assert seen.outcome.tolist() == [LEFT_OUT, FOUND]
    assert curve([seen]).average_precision == pytest.approx(1.0)


def test_a_detection_off_by_too_much_is_wrong_and_the_face_missed() -> None:
    seen = match(_boxes([5, 0, 15, 10]), _scores(0.9), _boxes(FACE), _counted(True))
    assert seen.outcome.tolist() == [WRONG]
    assert curve([seen]).average_precision == 0.0


def test_average_precision_by_hand() -> None:
    # right at 0.9, wrong at 0.8, right at 0.7, one of three faces never found: 1/3 x 1 + 1/3 x 2/3
    first = match(_boxes(FACE, [80, 80, 90, 90]), _scores(0.9, 0.8), _boxes(FACE, OTHER), _counted(True, True))
    second = match(_boxes(FACE), _scores(0.7), _boxes(FACE), _counted(True))
    whole = curve([first, second])
    assert whole.average_precision == pytest.approx(1 / 3 + 2 / 9)
    assert whole.at_threshold(0.75) == pytest.approx((1 / 3, 1 / 2, 1 / 2))
    assert whole.at_threshold(0.95) == (0.0, 1.0, 0.0)


def test_pictures_without_faces_only_add_false_positives() -> None:
    found = match(_boxes(FACE), _scores(0.6), _boxes(FACE), _counted(True))
    empty = match(_boxes(FACE), _scores(0.9), _boxes(), _counted())
    assert curve([found]).average_precision == pytest.approx(1.0)
    assert curve([found, empty]).average_precision == pytest.approx(0.5)
    assert np.isnan(curve([empty]).average_precision)
