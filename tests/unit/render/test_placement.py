"""Where labels go: in the picture, beside their own boxes, never over one another."""

import time
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest

from mien.render.geometry import Rectangle, shared_area
from mien.render.labels import Label, captions
from mien.render.placement import place_labels
from tests.unit.render.crowds import crowd, rows_of_people

CROWDS = [
    ((640, 480), (16, 60), 50),
    ((640, 640), (16, 80), 120),
    ((1920, 1080), (30, 90), 50),
    ((945, 2048), (40, 200), 40),
    ((2048, 1152), (20, 300), 60),
    ((120, 90), (4, 80), 12),
]


def placed(boxes: Sequence[Rectangle], width: int, height: int, emotion: str = "surprise") -> list[Label | None]:
    texts = [captions(number, emotion, 0.93) for number in range(1, len(boxes) + 1)]
    return place_labels(texts, boxes, width, height)


def only(labels: list[Label | None]) -> Label:
    (label,) = labels
    assert label is not None
    return label


def touches(label: Rectangle, box: Rectangle) -> bool:
    return label[0] <= box[2] and box[0] <= label[2] and label[1] <= box[3] and box[1] <= label[3]


@pytest.mark.parametrize(("size", "sides", "count"), CROWDS)
@pytest.mark.parametrize("seed", range(6))
def test_labels_of_any_crowd(seed: int, size: tuple[int, int], sides: tuple[int, int], count: int) -> None:
    boxes = crowd(seed, count, size, sides)
    labels = placed(boxes, *size)
    for box, label in zip(boxes, labels, strict=True):
        if label is not None:
            left, top, right, bottom = label.rectangle
            assert left >= 0
            assert top >= 0
            assert right <= size[0]
            assert bottom <= size[1]
            assert touches(label.rectangle, box)
    drawn = [label.rectangle for label in labels if label is not None]
    assert not any(shared_area(one, other) for one, other in combinations(drawn, 2))
    assert labels == placed(boxes, *size)


@pytest.mark.parametrize("seed", range(6))
def test_in_an_ordinary_crowd_every_face_has_its_number(seed: int) -> None:
    labels = placed(crowd(seed, 50, (1920, 1080), (30, 90)), 1920, 1080)
    assert [label.text.split()[0] for label in labels if label is not None] == [str(k) for k in range(1, 51)]


def test_people_in_rows_keep_their_faces() -> None:
    boxes = rows_of_people(10, 5, 48, (90, 90))
    labels = [label for label in placed(boxes, 1000, 600) if label is not None]
    assert len(labels) == 50
    assert not any(shared_area(label.rectangle, box) for label in labels for box in boxes)


@pytest.mark.parametrize("x", [0, 200, 540])
@pytest.mark.parametrize("y", [0, 200, 380])
def test_a_label_stays_inside_the_picture(x: int, y: int) -> None:
    left, top, right, bottom = only(placed([(x, y, x + 100, y + 100)], 640, 480)).rectangle
    assert left >= 0
    assert top >= 0
    assert right <= 640
    assert bottom <= 480


def test_a_label_stands_above_its_box_where_there_is_room() -> None:
    assert only(placed([(100, 100, 300, 300)], 640, 480)).rectangle[3] == 100
    assert only(placed([(100, 0, 300, 300)], 640, 480)).rectangle[1] == 300
    assert only(placed([(100, 0, 300, 480)], 640, 480)).rectangle[0] == 300
    assert only(placed([(0, 0, 640, 480)], 640, 480)).rectangle[1] == 0


def test_text_grows_with_the_picture() -> None:
    small = only(placed([(10, 100, 290, 290)], 300, 300))
    large = only(placed([(100, 1000, 1900, 1900)], 2000, 2000))
    assert small.size == 13
    assert large.size == 36


def test_a_small_face_in_a_large_picture_wears_a_small_label() -> None:
    label = only(placed([(500, 500, 620, 620)], 2000, 2000))
    assert label.size < 30
    assert label.rectangle[2] - label.rectangle[0] < 180


def test_where_there_is_no_room_less_is_said() -> None:
    assert only(placed([(5, 20, 45, 60)], 60, 80, emotion="happy")).text == "1 happy"
    assert only(placed([(5, 20, 35, 60)], 40, 80, emotion="happy")).text == "1"
    assert placed([(0, 0, 12, 12)], 12, 12) == [None]


def test_faces_past_the_border_have_no_label() -> None:
    assert placed([(900, 10, 640, 15), (10, 10, 10, 10)], 640, 480) == [None, None]
    assert placed([], 640, 480) == []


def test_a_face_all_covered_by_others_labels_has_none_of_its_own() -> None:
    boxes = [(40, 20, 50, 30), *[(40, 20, 50, 30)] * 200]
    labels = placed(boxes, 100, 60)
    drawn = [label.rectangle for label in labels if label is not None]
    assert 1 < len(drawn) < 201
    assert not any(shared_area(one, other) for one, other in combinations(drawn, 2))


def test_fifty_faces_are_quick() -> None:
    boxes = crowd(0, 50, (1920, 1080), (30, 90))
    spent = []
    for _ in range(9):
        started = time.perf_counter()
        placed(boxes, 1920, 1080)
        spent.append(time.perf_counter() - started)
    assert np.median(spent) < 0.02
