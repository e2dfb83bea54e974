"""Raters' habits, fitted and made up for."""

import numpy as np
import pytest

from training.emotion import data, metrics, raters
from training.emotion.labels import VOTE_COLUMNS

BIASES = np.array([0.4, -0.3, 0.1, -0.5, 0.2, 0.1, 0.0, 0.0])


def looks(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 2, (count, 8))


def test_habits_are_recovered_from_votes_that_follow_them():
    logits = looks(4000)
    found = raters.fit(logits, metrics.softmax(0.8 * logits + BIASES))
    assert found.scale == pytest.approx(0.8, abs=1e-3)
    assert found.biases == pytest.approx(BIASES - BIASES.mean(), abs=1e-3)


def test_no_other_habits_are_likelier():
    logits, rng = looks(500), np.random.default_rng(1)
    votes = np.array([rng.multinomial(10, p) for p in metrics.softmax(logits + BIASES)])

    def likelihood(scale: float, biases: np.ndarray) -> float:
        return float((votes * np.log(metrics.softmax(scale * logits + biases))).sum())

    best = raters.fit(logits, votes)
    for _ in range(20):
        nudge = rng.normal(0, 0.02, 9)
        assert likelihood(*best) > likelihood(best.scale + nudge[0], best.biases + nudge[1:])


def test_a_face_is_moved_by_the_half_that_it_is_not_in():
    logits = looks(400)
    votes = metrics.softmax(logits + BIASES)
    votes[::2] = metrics.softmax(logits[::2])  # the even rows' raters have no habits, the odd rows' have
    moved = raters.at_other_half(logits, votes)
    wanted = BIASES - BIASES.mean()
    assert (moved - logits)[::2] == pytest.approx(np.tile(wanted, (200, 1)), abs=1e-3)
    assert (moved - logits)[1::2] == pytest.approx(np.zeros((200, 8)), abs=1e-3)


def test_faces_that_nobody_gave_an_emotion_count_for_nothing():
    logits = looks(300)
    votes = metrics.softmax(logits + BIASES)
    silent = np.concatenate([votes, np.zeros((50, 8))])
    assert raters.fit(np.concatenate([logits, looks(50, 5)]), silent).biases == pytest.approx(
        raters.fit(logits, votes).biases, abs=1e-4
    )


def test_making_up_for_other_raters_brings_the_accuracy_back():
    logits, rng = looks(3000), np.random.default_rng(2)
    votes = np.zeros((3000, len(VOTE_COLUMNS)), dtype=np.int64)
    votes[:, :8] = [rng.multinomial(10, p) for p in metrics.softmax(logits + 2 * BIASES)]
    faces = data.Faces(np.zeros((3000, 48, 48), np.uint8), votes, np.zeros(3000, np.int64))
    found = raters.who_voted(logits.astype(np.float32), faces, faces)
    plain = metrics.accuracy(logits, votes[:, :8].argmax(axis=1))
    assert found["protocol_b"] > plain + 0.02
    assert found["emotions"]["neutral"]["valid"] > found["emotions"]["neutral"]["expected"] + 0.02
    assert found["unanimous"]["train"] == found["unanimous"]["valid"]


def test_raters_who_agree_more_in_one_part_of_train_are_seen_there():
    votes = np.zeros((800, len(VOTE_COLUMNS)), dtype=np.int64)
    votes[:, :2] = 5
    votes[300:400, :2] = (10, 0)
    faces = data.Faces(np.zeros((800, 48, 48), np.uint8), votes, np.zeros(800, np.int64))
    found = raters.who_voted(looks(800).astype(np.float32), faces, faces)["unanimous"]
    assert found["parts_of_train"] == [0, 0, 0, 1, 0, 0, 0, 0]
    assert found["train"] == 1 / 8
