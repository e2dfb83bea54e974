"""Drawings that are no faces."""

import numpy as np

from training.detector.augment import Sample
from training.detector.decoys import draw, lay_decoys

FACE = np.array([[60, 50, 110, 110]], np.float32)


def test_decoys_change_the_picture_but_no_face_and_no_label() -> None:
    ground = Sample(np.full((150, 200, 3), 128, np.uint8), FACE, np.zeros((1, 5, 2), np.float32), np.zeros(1, np.bool_))
    changed = 0
    for seed in range(30):
        seen = lay_decoys(ground, np.random.default_rng(seed))
        assert seen.boxes is ground.boxes
        assert (seen.picture[50:110, 60:110] == 128).all()
        changed += (seen.picture != 128).any()
    assert changed > 10
    assert (ground.picture == 128).all()  # a cached photograph is never painted on


def test_a_drawing_follows_from_the_seed_and_covers_something() -> None:
    for seed in range(30):
        (colours, cover), (again, _) = (draw(np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(colours, again)
        assert colours.shape == (*cover.shape, 3)
        assert cover.max() > 200
