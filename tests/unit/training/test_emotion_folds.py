"""Folds: near-identical faces together, batches of one fold."""

import numpy as np
import pytest

from training.emotion import folds
from training.emotion.folds import LeftOut


def test_near_identical_faces_are_in_one_fold_and_so_are_their_own_twins():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 48, 48), dtype=np.uint8)
    for first, second in ((0, 9), (1, 30), (2, 17)):
        images[second] = (images[first] * 0.5 + 90).astype(np.uint8)
    images[35] = images[30, :, ::-1]
    fold = folds.assign(images, 2, block=7)
    assert fold[9] == fold[0]
    assert fold[30] == fold[35] == fold[1]
    assert fold[17] == fold[2]
    assert set(fold) == {0, 1}
    assert np.array_equal(fold, folds.assign(images, 2))


def test_every_face_has_one_of_the_folds():
    images = np.random.default_rng(1).integers(0, 256, (600, 48, 48), dtype=np.uint8)
    counts = np.bincount(folds.assign(images, 3))
    assert counts.sum() == 600
    assert (counts > 150).all()


def test_a_batch_is_of_one_fold_and_shows_no_face_twice():
    fold = np.array([0, 1] * 10 + [1] * 5)
    batches = folds.batches(fold, 4, np.random.default_rng(0))
    assert [len(rows) for rows in batches] == [4] * 5  # 10 of fold 0, 15 of fold 1; two and three rows fill no batch
    assert all(len(set(fold[rows])) == 1 for rows in batches)
    shown = np.concatenate(batches)
    assert len(set(shown)) == len(shown)
    again = folds.batches(fold, 4, np.random.default_rng(1))
    assert [rows.tolist() for rows in again] != [rows.tolist() for rows in batches]


def test_folds_are_named_by_number_and_count():
    assert LeftOut.parse("1/2") == LeftOut(1, 2)
    assert str(LeftOut(0, 3)) == "0/3"


@pytest.mark.parametrize("text", ["2/2", "-1/2", "0/1", "0", "a/b"])
def test_folds_that_do_not_exist_are_refused(text: str):
    with pytest.raises(ValueError, match=r"K/N|invalid literal"):
        LeftOut.parse(text)
