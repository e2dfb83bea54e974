"""Votes -> targets and the two evaluation protocols."""

import numpy as np
import pytest

from training.emotion import targets
from training.emotion.data import NO_LABEL, VOTE_COLUMNS


def votes(**named: int) -> np.ndarray:
    return np.array([[named.get(column, 0) for column in VOTE_COLUMNS]], dtype=np.int64)


def test_lone_votes_vanish_and_the_rest_becomes_a_distribution():
    made = targets.vote_targets(votes(neutral=6, sadness=3, anger=1))
    np.testing.assert_allclose(made.distribution[0], [6 / 9, 0, 0, 3 / 9, 0, 0, 0, 0], rtol=1e-6)
    assert made.weight[0] == 1


def test_unknown_votes_lower_the_weight_but_not_the_shape():
    made = targets.vote_targets(votes(happiness=6, unknown=4))
    assert made.distribution[0, 1] == 1
    assert made.weight[0] == pytest.approx(0.6)


@pytest.mark.parametrize("rejected", [{"unknown": 6, "fear": 4}, {"NF": 10}, {"unknown": 5, "fear": 5}])
def test_faces_that_most_raters_could_not_name_weigh_nothing(rejected: dict[str, int]):
    made = targets.vote_targets(votes(**rejected))
    assert made.weight[0] == 0
    assert made.distribution[0].sum() == pytest.approx(1)  # still a distribution: no nan reaches the loss


def test_a_face_of_lone_votes_only_weighs_nothing():
    made = targets.vote_targets(votes(neutral=1, happiness=1, surprise=1))
    assert made.weight[0] == 0
    assert np.isfinite(made.distribution).all()


@pytest.mark.parametrize(
    ("named", "kept"),
    [
        ({"anger": 6, "disgust": 4}, True),
        ({"anger": 5, "disgust": 5}, False),  # half is not more than half
        ({"anger": 5, "disgust": 4, "fear": 1}, True),  # the lone vote is gone: 5 of 9
        ({"unknown": 8, "anger": 2}, False),
        ({"NF": 9}, False),
        ({"anger": 1, "fear": 1}, False),  # nothing is left
    ],
)
def test_protocol_a_keeps_clear_majorities_for_an_emotion(named: dict[str, int], kept: bool):
    keep, label = targets.protocol_a(votes(**named))
    assert bool(keep[0]) is kept
    if kept:
        assert VOTE_COLUMNS[label[0]] == "anger"


def test_protocol_b_labels_every_face_and_never_unknown():
    assert targets.protocol_b(votes(unknown=7, fear=2, sadness=1)).tolist() == [VOTE_COLUMNS.index("fear")]


def test_a_label_is_one_hot_and_a_missing_one_weighs_nothing():
    made = targets.label_targets(np.array([2, NO_LABEL]), 7)
    assert made.distribution[0].tolist() == [0, 0, 1, 0, 0, 0, 0]
    assert made.weight.tolist() == [1, 0]
    assert made.distribution[1].sum() == pytest.approx(1)


def test_rare_emotions_weigh_more_and_the_mean_stays_one():
    label = np.array([0] * 81 + [7])
    made = targets.Targets(np.eye(8, dtype=np.float32)[label], np.ones(82, np.float32))
    factor = targets.rarity(made, 0.25)
    assert factor[-1] / factor[0] == pytest.approx(3, rel=1e-4)  # 81 times as rare: 81 ** 0.25
    assert factor.mean() == pytest.approx(1, rel=1e-5)
    assert targets.rarity(made, 0.0) == pytest.approx(1, rel=1e-5)


def test_faces_without_votes_weigh_one_and_change_no_other_factor():
    label = np.array([0] * 81 + [7])
    labelled = targets.Targets(np.eye(8, dtype=np.float32)[label], np.ones(82, np.float32))
    uniform = np.full((30, 8), 1 / 8, np.float32)
    both = targets.Targets(np.concatenate([labelled.distribution, uniform]), np.repeat([1, 0], [82, 30]).astype(float))
    factor = targets.rarity(both, 0.25)
    np.testing.assert_allclose(factor[:82], targets.rarity(labelled, 0.25), rtol=1e-6)
    assert (factor[82:] == 1).all()
