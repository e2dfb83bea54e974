"""Figures of merit and temperatures on cases with known answers."""

import numpy as np
import pytest

from training.emotion import evaluate, metrics


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
    right = np.array([True] * 5 + [False] * 5)
    assert metrics.calibration_error(np.full(10, 0.9), right) == pytest.approx(0.4)
    shares = np.array([0.5, 0.5, 1.0, 0.0])
    assert metrics.calibration_error(np.full(4, 0.5), shares) == pytest.approx(0)


@pytest.mark.parametrize("true", [0.6, 1.0, 1.7])
def test_the_temperature_that_made_the_votes_is_found(true: float):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (400, 8)).astype(np.float32)
    votes = metrics.softmax(logits, true)
    assert metrics.fit_temperature(logits, votes) == pytest.approx(true, rel=1e-3)


def test_a_face_is_scored_at_the_temperature_of_the_other_half():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (400, 8)).astype(np.float32)
    truth = np.where(np.arange(400) % 2 == 0, 0.7, 1.4)  # even rows sharp, odd rows flat
    fit = metrics.cross_fit(logits, metrics.softmax(logits / truth[:, None]))
    assert fit.halves == pytest.approx((0.7, 1.4), rel=1e-3)
    assert 0.7 < fit.everywhere < 1.4
    np.testing.assert_allclose(fit.probabilities[0], metrics.softmax(logits[:1], 1.4)[0], rtol=1e-3)
    np.testing.assert_allclose(fit.probabilities[1], metrics.softmax(logits[1:2], 0.7)[0], rtol=1e-3)


def test_few_faces_leave_a_recall_open():
    assert metrics.wilson(1, 13) == pytest.approx((0.0137, 0.3331), abs=1e-4)
    low, high = metrics.wilson(1000, 1300)
    assert high - low < 0.05
    assert metrics.wilson(0, 5)[0] == 0
    assert metrics.wilson(5, 5)[1] == 1


def test_uncertain_answers_are_those_below_half_of_the_votes():
    scores = np.array([[0.9, 0.1, 0.0], [0.45, 0.35, 0.2], [0.2, 0.45, 0.35], [0.1, 0.8, 0.1]])
    report = evaluate.uncertain(scores, np.array([0, 1, 1, 0]))
    assert report == {"share": 0.5, "wrong_if_uncertain": 0.5, "wrong_otherwise": 0.5, "n": 4}


def test_shares_are_judged_by_shares_of_the_votes():
    votes = np.tile([7, 3, 0, 0, 0, 0, 0, 0, 0, 0], (20, 1))
    scores = np.tile([0.7, 0.3, 0, 0, 0, 0, 0, 0], (20, 1))
    report = evaluate.shares(scores, votes)
    assert report["top"] == pytest.approx(0, abs=1e-6)
    assert report["by_label"]["happy"] == pytest.approx(0, abs=1e-6)
    assert evaluate.shares(np.eye(8)[[0] * 20], votes)["top"] == pytest.approx(0.3, abs=1e-6)
