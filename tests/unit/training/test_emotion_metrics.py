"""Figures of merit and temperatures on cases with known answers."""

import numpy as np
import pytest

from training.emotion import calibrate, metrics


def test_softmax_sums_to_one_and_survives_large_logits():
    probabilities = metrics.softmax(np.array([[1000.0, 0.0], [0.0, 0.0]]))
    np.testing.assert_allclose(probabilities, [[1, 0], [0.5, 0.5]])


def test_kl_is_zero_only_for_the_votes_themselves():
    votes = np.array([[0.5, 0.5, 0.0]])
    assert metrics.kl(votes, votes) == pytest.approx(0)
    assert metrics.kl(votes, np.array([[0.25, 0.25, 0.5]])) == pytest.approx(np.log(2))


def test_confusion_and_recall():
    predicted = np.eye(3)[[0, 0, 1, 1]]
    counts = metrics.confusion(predicted, np.array([0, 1, 1, 1]))
    assert counts.tolist() == [[1, 0, 0], [1, 2, 0], [0, 0, 0]]
    recall = metrics.recalls(counts)
    assert recall[:2] == pytest.approx([1, 2 / 3])
    assert np.isnan(recall[2])


def test_a_score_of_nine_tenths_that_is_right_half_the_time_is_off_by_four_tenths():
    probabilities = np.tile([0.9, 0.1], (10, 1))
    label = np.array([0] * 5 + [1] * 5)
    assert metrics.calibration_error(probabilities, label) == pytest.approx(0.4)
    assert sum(count for count, _, _ in metrics.reliability(probabilities, label)) == 10


@pytest.mark.parametrize("true", [0.6, 1.0, 1.7])
def test_the_temperature_that_made_the_votes_is_found(true: float):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (400, 8)).astype(np.float32)
    votes = metrics.softmax(logits, true)
    assert calibrate.fit_temperature(logits, votes) == pytest.approx(true, rel=1e-3)


def test_halves_split_every_face_once():
    first, second = calibrate.halves(7)
    assert (first ^ second).all()
    assert first.sum() == 4
