"""FER+ tiles pasted into photographs."""

import numpy as np

from training.detector.augment import Sample
from training.detector.tiles import Tiles, paste_tiles

TILES = Tiles(
    np.full((1, 48, 48), 250, np.uint8),
    np.array([[0.1, 0.0, 0.9, 1.0]], np.float32),
    np.array([[[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.75], [0.65, 0.75]]], np.float32),
    np.zeros(1, np.bool_),
)


def test_pasted_faces_are_labelled_where_they_lie_and_touch_no_other_face() -> None:
    face = np.array([[60, 50, 90, 90]], np.float32)
    points = np.zeros((1, 5, 2), np.float32)
    ground = Sample(np.zeros((150, 200, 3), np.uint8), face, points, np.zeros(1, np.bool_))
    dark = np.full((150, 200, 3), 40, np.uint8)
    pasted = 0
    for seed in range(30):
        seen = paste_tiles(ground, TILES, dark, np.random.default_rng(seed))
        assert len(seen.boxes) == len(seen.landmarks) == len(seen.ignore)
        for (x1, y1, x2, y2), marks in zip(seen.boxes[1:], seen.landmarks[1:], strict=True):
            pasted += 1
            middle = seen.picture[int(y1 + y2) // 2, int(x1 + x2) // 2]
            assert middle.max() > 100  # the bright tile, not the dark patch or the black ground
            assert (marks[:, 0] > x1).all()
            assert (marks[:, 1] < y2).all()
            assert min(x2, 90) <= max(x1, 60) or min(y2, 90) <= max(y1, 50)
    assert pasted > 20
    assert not ground.picture.any()  # a cached photograph is never painted on


def test_hard_tiles_are_shown_oftener_than_their_kind_is_frequent() -> None:
    tiles = Tiles(
        np.zeros((100, 48, 48), np.uint8),
        np.zeros((100, 4), np.float32),
        np.zeros((100, 5, 2), np.float32),
        np.arange(100) == 7,
    )
    rng = np.random.default_rng(3)
    share = np.mean([tiles.pick(rng) == 7 for _ in range(2000)])
    assert 0.15 < share < 0.26
