"""What nets know together."""

import numpy as np
import pytest

from training.emotion import data
from training.emotion.council import Said, figures, groups, likeness, mean
from training.emotion.labels import VOTE_COLUMNS

FACES = 8


def faces() -> data.Faces:
    """Eight faces, each with ten votes for an emotion of its own."""
    votes = np.zeros((FACES, len(VOTE_COLUMNS)), dtype=np.int64)
    votes[np.arange(FACES), np.arange(FACES)] = 10
    return data.Faces(np.zeros((FACES, 48, 48), np.uint8), votes, np.arange(FACES) % 7)


def said(sure: float, wrong: tuple[int, ...] = ()) -> Said:
    """A net that gives `sure` to the right label and shares out the rest; on the faces `wrong` to the one after it."""
    label = np.arange(FACES)
    label[list(wrong)] = (label[list(wrong)] + 1) % FACES
    ferplus = np.full((FACES, 8), (1 - sure) / 7)
    ferplus[np.arange(FACES), label] = sure
    fer2013 = np.full((FACES, 7), (1 - sure) / 6)
    fer2013[np.arange(FACES), label % 7] = sure
    return Said(ferplus, fer2013)


def test_figures_are_those_of_the_votes():
    right = figures(said(0.8, wrong=(2,)), faces())
    assert right.protocol_a == right.protocol_b == right.fer2013 == pytest.approx(100 * 7 / 8)
    assert right.kl == pytest.approx(-(7 * np.log(0.8) + np.log(0.2 / 7)) / 8)


def test_nets_that_err_on_other_faces_are_right_together_and_others_are_not():
    one, other, twin = said(0.6, wrong=(1,)), said(0.7, wrong=(4,)), said(0.7, wrong=(1,))
    surer = said(0.9)
    apart = likeness(one, other, faces())
    assert apart.apart == pytest.approx(100 * 2 / 8)
    assert apart.both_wrong == 0
    alike = likeness(one, twin, faces())
    assert alike.apart == 0
    assert alike.both_wrong == pytest.approx(100 / 8)
    assert alike.correlation == pytest.approx(1)
    assert apart.correlation < 0
    assert figures(mean([one, other, surer]), faces()).protocol_a == 100
    assert figures(mean([one, twin]), faces()).protocol_a == pytest.approx(100 * 7 / 8)


def test_groups_are_all_of_up_to_so_many():
    nets = dict.fromkeys("abc", said(0.5))
    assert groups(nets, 2) == [("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c")]
