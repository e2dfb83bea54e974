"""What probability of a face a score has."""

import numpy as np
import pytest

from mien.vision.calibration import ScoreCalibration

CALIBRATION = ScoreCalibration(3.4, -0.7)


def test_the_logit_is_scaled_and_shifted() -> None:
    scores = np.asarray([0.2, 0.5, 0.6, 0.9], np.float32)
    expected = 1 / (1 + np.exp(-(3.4 * np.log(scores / (1 - scores)) - 0.7)))
    assert CALIBRATION.probability(scores) == pytest.approx(expected, rel=1e-5)
    assert ScoreCalibration().probability(scores) == pytest.approx(scores)


@pytest.mark.parametrize("probability", [0.0, 1e-6, 0.02, 0.5, 0.9, 0.9999, 1.0])
def test_a_probability_has_one_score(probability: float) -> None:
    score = CALIBRATION.score(probability)
    assert CALIBRATION.probability(np.asarray([score])) == pytest.approx([probability], rel=1e-5)
    assert 0 <= score <= 1


def test_the_ends_stay_and_the_order_is_kept() -> None:
    probabilities = CALIBRATION.probability(np.linspace(0, 1, 1001, dtype=np.float32))
    assert probabilities[[0, -1]].tolist() == [0, 1]
    assert (np.diff(probabilities) >= 0).all()
