import numpy as np
import pytest

from mien.vision.boxes import Detections, area, box_voting, intersection, iou, nms


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
    assert nms(found, scores, 0.45, 10).tolist() == [1, 2, 3]
    assert nms(found, scores, 0.45, 2).tolist() == [1, 2]


def test_suppression_keeps_boxes_at_exactly_the_iou_threshold() -> None:
    halves = boxes((0, 0, 10, 10), (0, 0, 5, 10))
    assert nms(halves, np.asarray([0.9, 0.8], dtype=np.float32), 0.5, 10).tolist() == [0, 1]
    assert nms(halves, np.asarray([0.9, 0.8], dtype=np.float32), 0.49, 10).tolist() == [0]


def test_equal_scores_keep_their_order() -> None:
    found = boxes(*((x * 20, 0, x * 20 + 10, 10) for x in range(30)))
    assert nms(found, np.full(30, 0.5, dtype=np.float32), 0.45, 100).tolist() == list(range(30))


def test_suppression_of_no_boxes_is_empty() -> None:
    assert nms(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.45, 10).size == 0


def test_overlapping_boxes_vote_with_the_square_of_their_score() -> None:
    found = boxes((0, 0, 100, 100), (10, 0, 110, 100), (0, 60, 100, 160), (500, 500, 600, 600))
    scores = np.asarray([0.9, 0.6, 0.8, 0.7], np.float32)
    means = box_voting(np.eye(4, dtype=np.float32), np.asarray([0, 3]), found, scores, 0.6)
    assert means[0] == pytest.approx([0.81 / 1.17, 0.36 / 1.17, 0, 0])
    assert means[1].tolist() == [0, 0, 0, 1]


def test_a_box_without_a_score_or_an_area_votes_for_itself() -> None:
    found = boxes((0, 0, 100, 100), (7, 7, 7, 7))
    means = box_voting(found, np.asarray([0, 1]), found, np.zeros(2, np.float32), 0.6)
    assert means.tolist() == found.tolist()


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
    assert nms(found, scores, 0.45, 400).tolist() == expected
    assert nms(found, scores, 0.45, 40).tolist() == expected[:40]


def test_box_voting_is_the_mean_of_the_boxes_that_agree() -> None:
    found, scores = crowd(400)
    kept = nms(found, scores, 0.45, 400)
    means = box_voting(found, kept, found, scores, 0.6)
    assert means.dtype == np.float32
    voters = 0
    for row, best in enumerate(kept):
        agree = iou(found[best], found) >= 0.6
        voters += np.count_nonzero(agree)
        assert means[row] == pytest.approx(np.average(found[agree], axis=0, weights=scores[agree] ** 2.0), rel=1e-6)
    assert voters > 1.4 * len(kept)


def test_box_voting_does_not_depend_on_the_number_of_kept_boxes() -> None:
    found, scores = crowd(400)
    kept = nms(found, scores, 0.45, 400)
    together = box_voting(found, kept, found, scores, 0.6)
    for row, best in enumerate(kept):
        assert box_voting(found, np.asarray([best]), found, scores, 0.6).tobytes() == together[row].tobytes()


def test_box_voting_of_no_boxes_is_empty() -> None:
    nothing = np.zeros((0, 4), np.float32)
    assert box_voting(nothing, np.zeros(0, np.intp), nothing, np.zeros(0, np.float32), 0.6).shape == (0, 4)


def test_transform_scales_then_shifts() -> None:
    face = Detections(np.asarray([[1, 2, 3, 4]], np.float32), np.ones(1, np.float32), np.ones((1, 5, 2), np.float32))
    moved = face.transform(2, 10, 20)
    assert moved.boxes.tolist() == [[12, 24, 16, 28]]
    assert moved.landmarks[0, 0].tolist() == [12, 22]


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_unrotate_puts_a_face_back_where_it_was(quarters: int) -> None:
    pixels = np.zeros((40, 70, 3), dtype=np.uint8)
    pixels[5:15, 20:50] = 255
    rows, columns = np.nonzero(np.rot90(pixels, quarters)[..., 0])
    box = np.asarray([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], dtype=np.float32)
    points = np.repeat(box[:, None, :2], 5, axis=1)  # the box's own top left corner
    found = Detections(box, np.ones(1, np.float32), points).unrotate(quarters, 70, 40)
    np.testing.assert_array_equal(found.boxes, [[20, 5, 50, 15]])
    corner = [(20, 5), (50, 5), (50, 15), (20, 15)][quarters]  # the top left of a box after that rotation
    np.testing.assert_array_equal(found.landmarks[0, 0], corner)


def test_unrotate_of_no_faces_is_empty() -> None:
    nothing = Detections(*(np.zeros(shape, np.float32) for shape in ((0, 4), (0,), (0, 5, 2))))
    assert nothing.unrotate(3, 70, 40).boxes.shape == (0, 4)
