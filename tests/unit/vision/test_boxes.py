import numpy as np
import pytest

from mien.vision.boxes import area, clip, intersection, suppress, voted, voting_weights


def boxes(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.asarray(rows, dtype=np.float32)


def test_intersection_is_the_shared_area_and_never_negative() -> None:
    one = boxes((0, 0, 10, 10))[0]
    others = boxes((5, 5, 15, 15), (10, 0, 20, 10), (30, 30, 40, 40), (2, 2, 4, 4))
    assert intersection(one, others).tolist() == [25, 0, 0, 4]


def test_area() -> None:
    assert area(boxes((1, 2, 4, 8))).tolist() == [18]


def test_suppression_keeps_the_best_of_each_cluster_best_first() -> None:
    found = boxes((0, 0, 10, 10), (1, 0, 11, 10), (50, 50, 60, 60), (0, 20, 10, 30))
    scores = np.asarray([0.7, 0.9, 0.8, 0.6], dtype=np.float32)
    assert suppress(found, scores, 0.45, 10).tolist() == [1, 2, 3]
    assert suppress(found, scores, 0.45, 2).tolist() == [1, 2]


def test_suppression_spares_boxes_at_the_bound() -> None:
    halves = boxes((0, 0, 10, 10), (0, 0, 5, 10))
    assert suppress(halves, np.asarray([0.9, 0.8], dtype=np.float32), 0.5, 10).tolist() == [0, 1]
    assert suppress(halves, np.asarray([0.9, 0.8], dtype=np.float32), 0.49, 10).tolist() == [0]


def test_equal_scores_keep_their_order() -> None:
    found = boxes(*((x * 20, 0, x * 20 + 10, 10) for x in range(30)))
    assert suppress(found, np.full(30, 0.5, dtype=np.float32), 0.45, 100).tolist() == list(range(30))


def test_nothing_found_is_no_box() -> None:
    assert suppress(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.45, 10).size == 0


def test_clip_cuts_to_the_picture() -> None:
    assert clip(boxes((-5, 3, 120, 90)), 100, 80).tolist() == [pytest.approx([0, 3, 100, 80])]


def test_neighbours_vote_with_the_square_of_their_score_and_strangers_do_not() -> None:
    found = boxes((0, 0, 100, 100), (10, 0, 110, 100), (0, 60, 100, 160), (500, 500, 600, 600))
    weights = voting_weights(np.asarray([0, 3]), found, np.asarray([0.9, 0.6, 0.8, 0.7], np.float32), 0.6)
    assert weights.sum(axis=1) == pytest.approx([1, 1])
    assert weights[0] == pytest.approx([0.81 / 1.17, 0.36 / 1.17, 0, 0])
    assert weights[1] == pytest.approx([0, 0, 0, 1])


def test_nobody_kept_means_nobody_votes() -> None:
    nothing = voting_weights(np.zeros(0, np.intp), np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.6)
    assert nothing.shape == (0, 0)


def crowd(count: int) -> tuple[np.ndarray, np.ndarray]:
    """``count`` boxes of 10 to 60 px that often overlap, and their scores, some of them equal."""
    random = np.random.default_rng(1)
    corners = random.uniform(0, 100, (count, 2))
    found = np.concatenate([corners, corners + random.uniform(10, 60, (count, 2))], axis=1).astype(np.float32)
    return found, random.integers(1, 50, count).astype(np.float32) / 50


def test_suppression_is_greedy_over_many_boxes() -> None:
    found, scores = crowd(400)
    areas, expected = area(found), []
    for index in sorted(range(400), key=lambda index: -scores[index]):
        shared = intersection(found[index], found[expected])
        if (shared <= 0.45 * (areas[index] + areas[expected] - shared)).all():
            expected.append(index)
    assert 50 < len(expected) < 200
    assert suppress(found, scores, 0.45, 400).tolist() == expected
    assert suppress(found, scores, 0.45, 40).tolist() == expected[:40]


def test_means_are_what_the_weights_say() -> None:
    found, scores = crowd(400)
    kept = suppress(found, scores, 0.45, 400)
    weights = voting_weights(kept, found, scores, 0.6)
    assert (weights > 0).sum() > 1.4 * len(kept)
    means = voted(found, kept, found, scores, 0.6)
    assert means.dtype == np.float32
    assert means == pytest.approx(weights @ found, rel=1e-6)


def test_a_mean_does_not_depend_on_how_many_are_asked_for() -> None:
    found, scores = crowd(400)
    kept = suppress(found, scores, 0.45, 400)
    together = voted(found, kept, found, scores, 0.6)
    for row, best in enumerate(kept):
        assert voted(found, np.asarray([best]), found, scores, 0.6).tobytes() == together[row].tobytes()


def test_nobody_kept_has_no_mean() -> None:
    nothing = np.zeros((0, 4), np.float32)
    assert voted(nothing, np.zeros(0, np.intp), nothing, np.zeros(0, np.float32), 0.6).shape == (0, 4)
