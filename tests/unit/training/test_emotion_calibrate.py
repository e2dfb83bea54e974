"""What a score means decides its temperature, and held-out errors are known for scores that are known."""

import numpy as np
import pytest

from training.emotion import calibrate, metrics
from training.emotion.calibrate import Meaning


def votes_of(*rows: dict[int, int]) -> np.ndarray:
    votes = np.zeros((len(rows), 10), dtype=np.int64)
    for row, named in zip(votes, rows, strict=True):
        for column, count in named.items():
            row[column] = count
    return votes


def test_each_meaning_hears_the_votes_it_names():
    votes = votes_of({0: 6, 3: 3, 4: 1})
    assert calibrate.fitted_votes(votes, Meaning.VOTES)[0, [0, 3, 4]].tolist() == [6, 3, 1]
    assert calibrate.fitted_votes(votes, Meaning.MAJORITY)[0].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    without_lone = calibrate.fitted_votes(votes, Meaning.VOTES_WITHOUT_LONE_ONES)[0]
    assert without_lone[[0, 3, 4]] == pytest.approx([2 / 3, 1 / 3, 0])


@pytest.mark.parametrize("meaning", Meaning)
def test_a_face_without_any_vote_for_an_emotion_counts_for_nothing(meaning: Meaning):
    assert not calibrate.fitted_votes(votes_of({8: 4, 9: 6}), meaning).any()


def test_scores_are_surer_of_the_majority_than_of_a_single_rater():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (600, 8)).astype(np.float32)
    votes = np.zeros((600, 10), dtype=np.int64)
    for row, chances in zip(votes, metrics.softmax(logits), strict=True):
        row[:8] = rng.multinomial(10, chances)
    sure, modest = (
        calibrate.fit_temperature(logits, calibrate.fitted_votes(votes, meaning))
        for meaning in (Meaning.MAJORITY, Meaning.VOTES)
    )
    assert modest == pytest.approx(1, abs=0.05)
    assert sure < 0.7


def test_a_face_is_scored_at_the_temperature_of_the_other_half():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (400, 8)).astype(np.float32)
    truth = np.where(np.arange(400) % 2 == 0, 0.7, 1.4)  # even rows sharp, odd rows flat
    fit = calibrate.cross_fit(logits, metrics.softmax(logits / truth[:, None]))
    assert fit.halves == pytest.approx((0.7, 1.4), rel=1e-3)
    assert 0.7 < fit.everywhere < 1.4
    np.testing.assert_allclose(fit.probabilities[0], metrics.softmax(logits[:1], 1.4)[0], rtol=1e-3)
    np.testing.assert_allclose(fit.probabilities[1], metrics.softmax(logits[1:2], 0.7)[0], rtol=1e-3)


def test_perfect_scores_err_by_what_perfect_scores_err():
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (3000, 8)).astype(np.float32)
    chances = metrics.softmax(logits)
    label = (chances.cumsum(axis=1) < rng.random((3000, 1))).sum(axis=1)
    error = calibrate.held_out_error(calibrate.cross_fit(logits, chances), logits, label, np.ones(3000, np.bool_))
    assert error.n == 3000
    assert error.pooled == pytest.approx(error.perfect_pooled, abs=0.008)
    assert 0 < error.perfect_pooled < error.perfect_halves  # fewer faces a bin scatter more
    assert abs(error.signed) < 0.02


def test_modest_scores_have_a_negative_sign():
    logits = np.tile(np.array([[0.2, 0, 0, 0, 0, 0, 0, 0]], dtype=np.float32), (40, 1))
    label = np.zeros(40, dtype=np.int64)
    fit = calibrate.cross_fit(logits, metrics.softmax(logits))
    error = calibrate.held_out_error(fit, logits, label, np.ones(40, np.bool_))
    assert error.signed == pytest.approx(-error.pooled)
    assert error.signed < -0.8


def test_shares_of_raters_are_judged_by_shares():
    votes = np.tile([7, 3], (20, 1))
    assert metrics.share_error(np.tile([0.7, 0.3], (20, 1)), votes) == pytest.approx(0)
    assert metrics.share_error(np.tile([0.9, 0.1], (20, 1)), votes) == pytest.approx(0.2)


def test_few_faces_leave_a_recall_open():
    low, high = metrics.wilson(1, 13)
    assert (low, high) == pytest.approx((0.0137, 0.3331), abs=1e-4)
    low, high = metrics.wilson(1000, 1300)
    assert high - low < 0.05
    assert metrics.wilson(0, 5)[0] == 0
    assert metrics.wilson(5, 5)[1] == 1


def test_a_clear_majority_is_fitted_to_the_faces_that_have_one():
    clearly_happy, nobody_has_half, unknown = {0: 2, 1: 8}, {0: 4, 1: 3, 2: 3}, {8: 10}
    votes = votes_of(clearly_happy, nobody_has_half, unknown)
    fitted = calibrate.fitted_votes(votes, Meaning.CLEAR_MAJORITY)
    assert fitted.tolist() == [[0, 1, 0, 0, 0, 0, 0, 0], [0] * 8, [0] * 8]
