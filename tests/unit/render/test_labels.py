from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from service.domain import Box
from service.render.geometry import Rectangle, shared_area
from service.render.labels import SMALLEST_TEXT, Label, place_labels
from tests.fakes import make_face


def placed(boxes: list[Rectangle], width: int, height: int, emotion: str = "surprise") -> list[Label | None]:
    faces = [make_face(Box(left, top, right - left, bottom - top), emotion) for left, top, right, bottom in boxes]
    return place_labels(faces, boxes, width, height)


def only(labels: list[Label | None]) -> Label:
    (label,) = labels
    assert label is not None
    return label


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
    assert only(placed([(100, 0, 300, 480)], 640, 480)).rectangle[1] == 0


def test_text_grows_with_the_picture() -> None:
    small = only(placed([(10, 100, 290, 290)], 300, 300))
    large = only(placed([(100, 1000, 1900, 1900)], 2000, 2000))
    assert SMALLEST_TEXT <= small.size < large.size <= 40
    assert large.size == 36


def test_a_small_face_in_a_large_picture_wears_a_small_label() -> None:
    label = only(placed([(500, 500, 620, 620)], 2000, 2000))
    assert label.size < 30
    assert label.rectangle[2] - label.rectangle[0] < 180


def test_labels_never_cover_each_other() -> None:
    chance = np.random.default_rng(0)
    boxes = []
    for _ in range(120):
        left, top = (int(value) for value in chance.integers(0, 560, 2))
        side = int(chance.integers(16, 80))
        boxes.append((left, top, left + side, top + side))
    labels = [label for label in placed(boxes, 640, 640) if label is not None]
    assert len(labels) >= 40
    for one, other in combinations(labels, 2):
        assert shared_area(one.rectangle, np.array([other.rectangle])) == 0


def test_where_the_whole_label_does_not_fit_the_word_alone_does() -> None:
    label = only(placed([(5, 20, 45, 60)], 50, 80, emotion="happy"))
    assert label.text == "happy"


def test_a_picture_too_small_for_words_has_none() -> None:
    assert placed([(0, 0, 16, 16)], 16, 16) == [None]


def test_an_uncertain_emotion_has_a_question_mark() -> None:
    face = replace(make_face(Box(100, 100, 200, 200), "sad", 0.412), uncertain=True)
    assert only(place_labels([face], [(100, 100, 300, 300)], 640, 480)).text == "sad? 0.41"
