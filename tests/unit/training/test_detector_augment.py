"""Labels must follow the pixels, whatever is done to them."""

import numpy as np

from training.detector.augment import AugmentConfig, Sample, augment, clip, mosaic, move_boxes, random_view, warp

FACE = np.array([[40, 30, 60, 60]], np.float32)
# right eye, left eye, nose, right and left mouth corner, as seen by the viewer
POINTS = np.array([[[45, 40], [55, 40], [50, 47], [46, 53], [54, 53]]], np.float32)
PLAIN = AugmentConfig(black_border=1.0)


def _sample(boxes: np.ndarray = FACE, points: np.ndarray = POINTS) -> Sample:
    return Sample(np.zeros((100, 100, 3), np.uint8), boxes, points, np.zeros(len(boxes), np.bool_))


def _matrix(angle: float = 0.0, mirror: bool = False) -> np.ndarray:
    """About the middle of a 100 px picture."""
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag([-1.0 if mirror else 1.0, 1.0])
    return np.column_stack([linear, np.array([50, 50]) - linear @ np.array([50, 50])])


def test_a_mirror_swaps_left_and_right_landmarks() -> None:
    seen = warp(_sample(), _matrix(mirror=True), True, 100, PLAIN, np.random.default_rng(0))
    right_eye, left_eye, nose, right_mouth, left_mouth = seen.landmarks[0]
    np.testing.assert_allclose(right_eye, [45, 40])  # where the left eye was mirrored to
    np.testing.assert_allclose(left_eye, [55, 40])
    np.testing.assert_allclose(nose, [50, 47])
    assert right_mouth[0] < left_mouth[0]
    np.testing.assert_allclose(seen.boxes, [[40, 30, 60, 60]], atol=1e-4)


def test_pixels_move_with_the_labels() -> None:
    sample = _sample()
    sample.picture[30:60, 40:60] = 255
    seen = warp(sample, _matrix(90), False, 100, PLAIN, np.random.default_rng(0))
    rows, columns = np.nonzero(seen.picture[..., 0] > 127)
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(found, seen.boxes[0], atol=1.01)


def test_pixels_move_with_the_labels_when_shrunk() -> None:
    sample = _sample()
    sample.picture[30:60, 40:60] = 255
    quarter = np.array([[0.25, 0, 0], [0, 0.25, 0]])
    seen = warp(sample, quarter, False, 32, AugmentConfig(black_border=1.0, min_side=1), np.random.default_rng(0))
    weights = seen.picture[..., 0].astype(float)
    centre = (
        weights.sum(0) @ (np.arange(32) + 0.5) / weights.sum(),
        weights.sum(1) @ (np.arange(32) + 0.5) / weights.sum(),
    )
    np.testing.assert_allclose(centre, (seen.boxes[0, :2] + seen.boxes[0, 2:]) / 2, atol=0.15)


def test_a_turned_box_encloses_the_turned_ellipse() -> None:
    np.testing.assert_allclose(move_boxes(FACE, _matrix(90))[0, 2:] - move_boxes(FACE, _matrix(90))[0, :2], [30, 20])
    circle = np.array([[40, 40, 60, 60]], np.float32)
    np.testing.assert_allclose(move_boxes(circle, _matrix(37)), circle, atol=1e-4)


def test_a_face_is_kept_ignored_or_dropped_by_how_much_of_it_is_left() -> None:
    whole, half, sliver, gone, tiny = (
        [10, 10, 40, 40], [-12, 10, 18, 40], [-24, 10, 6, 40], [-60, 10, -30, 40], [50, 50, 54, 54],
    )  # fmt: skip
    boxes = np.array([whole, half, sliver, gone, tiny], np.float32)
    points = np.tile(np.float32([-3, 12]), (5, 5, 1))
    seen = clip(_sample(boxes, points), 100, AugmentConfig(keep_visible=0.5, drop_visible=0.05, min_side=8))
    assert seen.boxes.tolist() == [[10, 10, 40, 40], [0, 10, 18, 40], [0, 10, 6, 40], [50, 50, 54, 54]]
    assert seen.ignore.tolist() == [False, False, True, True]
    assert np.isnan(seen.landmarks).all()  # they lie outside the view: nothing to learn there


def test_a_view_shows_the_focus_even_where_faces_are() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[70:90, 10:30] = 255
    sample = Sample(picture, FACE, POINTS, np.zeros(1, np.bool_), np.array([10, 70, 30, 90], np.float32))
    for seed in range(20):
        matrix, _ = random_view(sample, 64, AugmentConfig(), np.random.default_rng(seed))
        middle = matrix @ [20, 80, 1]
        assert ((middle >= 0) & (middle <= 64)).all()


def test_a_window_lies_in_the_photograph_and_shows_it_about_as_large_as_it_is() -> None:
    sample = Sample(np.zeros((400, 600, 3), np.uint8), FACE, POINTS, np.ones(1, np.bool_))
    config = AugmentConfig(face_zoom=0.0, window=1.0, rotate=0.0)
    for seed in range(20):
        matrix, _ = random_view(sample, 64, config, np.random.default_rng(seed))
        assert 0.7 < np.sqrt(abs(np.linalg.det(matrix[:, :2]))) < 2.4
        x, y = np.linalg.solve(matrix[:, :2], np.array([32, 32]) - matrix[:, 2])
        assert 0 < x < 600
        assert 0 < y < 400


def test_a_mosaic_of_sixteen_is_laid_row_by_row() -> None:
    parts = [_sample() for _ in range(16)]
    parts[6].picture[:] = 9
    whole = mosaic(parts, 400)
    assert whole.picture.shape == (400, 400, 3)
    assert (whole.picture[100:200, 200:300] == 9).all()
    np.testing.assert_array_equal(whole.boxes[6], FACE[0] + np.float32([200, 100, 200, 100]))


def test_a_mosaic_shifts_the_labels_of_its_parts() -> None:
    parts = [_sample() for _ in range(4)]
    parts[3].picture[:] = 7
    whole = mosaic(parts, 200)
    assert whole.picture.shape == (200, 200, 3)
    assert (whole.picture[100:, 100:] == 7).all()
    np.testing.assert_array_equal(whole.boxes[:, :2], [[40, 30], [140, 30], [40, 130], [140, 130]])
    np.testing.assert_array_equal(whole.landmarks[3], POINTS[0] + 100)


def test_places_of_a_grid_lie_evenly_apart_on_its_ground() -> None:
    parts = [Sample(np.full((30, 30, 3), 200, np.uint8), FACE[:0], POINTS[:0], np.zeros(0, np.bool_)) for _ in range(4)]
    whole = mosaic(parts, 100, (1, 2, 3))
    assert whole.picture.shape == (100, 100, 3)
    assert (whole.picture[:30, 70:] == 200).all()
    assert whole.picture[50, 50].tolist() == [1, 2, 3]


def test_a_view_follows_from_the_seed_and_stays_in_bounds() -> None:
    sample = _sample()
    sample.picture[:] = np.random.default_rng(1).integers(0, 256, (100, 100, 3))
    for seed in range(40):
        first, second = (augment(sample, 96, AugmentConfig(), np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(first.picture, second.picture)
        assert first.picture.shape == (96, 96, 3)
        assert ((first.boxes >= 0) & (first.boxes <= 96)).all()


def test_calm_views_keep_the_ranges_and_change_less() -> None:
    plain, calm = AugmentConfig(), AugmentConfig().calmer()
    assert calm.max_angle == plain.max_angle
    assert calm.zoom_range == plain.zoom_range
    assert calm.mosaics == ((2, plain.mosaics[0][1] / 3), (4, plain.mosaics[1][1] / 3))
    for chance in ("face_zoom", "window", "rotate", "light", "blur", "noise", "jpeg", "occlude"):
        assert getattr(calm, chance) < getattr(plain, chance)
