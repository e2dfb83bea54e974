"""How detections are judged, and how a threshold is chosen."""

import numpy as np
import pytest

from mien.vision.boxes import Detections
from mien.vision.calibration import ScoreCalibration
from training.detector.average_precision import Matches, curve
from training.detector.data import parse
from training.detector.evaluate import CHOICES, MAX_WRONG_FACE_FREE, Result, choose, fit, judge, measure, presence


def wrong_at(*scores: float, pictures: int = 100) -> list[Matches]:
    """Pictures without faces; the first has false positives of these scores."""
    first = Matches(np.array(scores, np.float32), np.zeros(len(scores), np.int8), 0)
    return [first, *(Matches(np.zeros(0, np.float32), np.zeros(0, np.int8), 0) for _ in range(pictures - 1))]


def test_the_threshold_is_the_lowest_that_holds_with_all_above_it() -> None:
    nothing = curve(wrong_at())
    assert choose(curve(wrong_at(*[0.45] * 6)), nothing) == 0.46  # at 0.44 six of a hundred pictures
    assert choose(curve(wrong_at(*[0.45] * 4)), nothing) == CHOICES[0]
    assert choose(curve(wrong_at(*[0.99] * 50)), nothing) == CHOICES[-1]


def test_photographs_without_faces_have_a_limit_of_their_own() -> None:
    count = round(MAX_WRONG_FACE_FREE * 100)
    assert choose(curve(wrong_at()), curve(wrong_at(*[0.45] * count))) == CHOICES[0]
    assert choose(curve(wrong_at()), curve(wrong_at(*[0.45] * (count + 1)))) == 0.46


def result(*found: tuple[list[float], float], scale: float = 1.0) -> Result:
    """One photograph with a face of 40 px, one of 10 px and one that is ignored."""
    faces = [{"box": [0, 0, 40, 40]}, {"box": [100, 0, 10, 10]}, {"box": [0, 100, 40, 40], "ignore": True}]
    row = {"file": "a", "width": 200, "height": 200, "source": "street", "faces": faces}
    boxes = np.array([box for box, _ in found], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score in found], np.float32)
    return Result(parse(row, 0), scale, Detections(boxes, scores, np.zeros((len(found), 5, 2), np.float32)))


def test_small_and_ignored_faces_count_neither_way() -> None:
    small, ignored, none = [100, 0, 110, 10], [0, 100, 40, 140], [150, 150, 190, 190]
    seen = result(([0, 0, 40, 40], 0.9), (small, 0.8), (ignored, 0.7), (none, 0.6))
    (matches,) = judge([seen])
    assert matches.faces == 1
    assert matches.outcome.tolist() == [1, -1, -1, 0]
    (matches,) = judge([result((small, 0.8), scale=2.0)])  # 20 px in the network's input
    assert (matches.faces, matches.outcome.tolist()) == (2, [1])


def test_presence_has_small_faces_too_and_sides_of_the_input() -> None:
    scores, sides, right = presence([result(([100, 0, 110, 10], 0.8), ([150, 150, 190, 190], 0.6), scale=2.0)])
    np.testing.assert_allclose(scores, [0.8, 0.6])
    np.testing.assert_allclose(sides, [20, 80])
    assert right.tolist() == [True, False]


def test_a_set_without_the_faces_of_a_row_says_so() -> None:
    report = measure([result(([0, 0, 40, 40], 0.9))])
    assert report["all"] == {"ap50": 1.0, "faces": 1}
    assert report["fddb_people"] == {"ap50": None, "faces": 0}
    assert report["calibration"]["32-96"]["error"] == pytest.approx(0.1, abs=1e-6)


def test_the_calibration_that_made_the_outcomes_is_found() -> None:
    rng = np.random.default_rng(0)
    scores = rng.beta(0.5, 0.5, 40_000).astype(np.float32)
    chance = ScoreCalibration(0.6, -0.4).probability(scores)
    made = fit(scores, rng.random(40_000) < chance)
    assert (made.gain, made.bias) == pytest.approx((0.6, -0.4), abs=0.05)


@pytest.mark.parametrize("right", [[], [True, True], [False, True], [True, False]])
def test_a_calibration_on_few_detections_stays_finite_and_increasing(right: list[bool]) -> None:
    made = fit(np.linspace(0.2, 0.9, len(right)).astype(np.float32), np.array(right, np.bool_))
    assert np.isfinite([made.gain, made.bias]).all()
    assert made.gain > 0
    if not right:
        assert made == ScoreCalibration()
