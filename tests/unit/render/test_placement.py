"""Labels are inside the picture, beside their own boxes, never over one another, and steady in clips."""

import time
from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np
import pytest

from mien.render.canvas import Rectangle, shared_area
from mien.render.labels import Label, Side, captions, text_sizes
from mien.render.placement import PATIENCE, SteadyLabels, place_labels
from tests.unit.render.crowds import crowd, rows_of_people

SIZE = (1280, 720)
RATE = 25
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
def test_labels_of_any_crowd_are_inside_and_do_not_overlap(
    seed: int, size: tuple[int, int], sides: tuple[int, int], count: int
) -> None:
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


def test_labels_of_people_in_rows_cover_no_faces() -> None:
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


def test_a_label_is_above_its_box_if_there_is_room() -> None:
    assert only(placed([(100, 100, 300, 300)], 640, 480)).rectangle[3] == 100
    assert only(placed([(100, 0, 300, 300)], 640, 480)).rectangle[1] == 300
    assert only(placed([(100, 0, 300, 480)], 640, 480)).rectangle[0] == 300
    assert only(placed([(0, 0, 640, 480)], 640, 480)).rectangle[1] == 0


def test_text_grows_with_the_picture() -> None:
    small = only(placed([(10, 100, 290, 290)], 300, 300))
    large = only(placed([(100, 1000, 1900, 1900)], 2000, 2000))
    assert small.size == 13
    assert large.size == 36


def test_a_small_face_in_a_large_picture_has_a_small_label() -> None:
    label = only(placed([(500, 500, 620, 620)], 2000, 2000))
    assert label.size < 30
    assert label.rectangle[2] - label.rectangle[0] < 180


def test_the_text_gets_shorter_if_there_is_no_room() -> None:
    assert only(placed([(5, 20, 45, 60)], 60, 80, emotion="happy")).text == "1 happy"
    assert only(placed([(5, 20, 35, 60)], 40, 80, emotion="happy")).text == "1"
    assert placed([(0, 0, 12, 12)], 12, 12) == [None]


def test_faces_outside_the_picture_have_no_label() -> None:
    assert placed([(900, 10, 640, 15), (10, 10, 10, 10)], 640, 480) == [None, None]
    assert placed([], 640, 480) == []


def test_a_face_covered_by_other_labels_has_none_of_its_own() -> None:
    boxes = [(40, 20, 50, 30), *[(40, 20, 50, 30)] * 200]
    labels = placed(boxes, 100, 60)
    drawn = [label.rectangle for label in labels if label is not None]
    assert 1 < len(drawn) < 201
    assert not any(shared_area(one, other) for one, other in combinations(drawn, 2))


def test_placing_fifty_labels_is_fast() -> None:
    boxes = crowd(0, 50, (1920, 1080), (30, 90))
    spent = []
    for _ in range(9):
        started = time.perf_counter()
        placed(boxes, 1920, 1080)
        spent.append(time.perf_counter() - started)
    assert np.median(spent) < 0.02


def texts(people: Sequence[int]) -> list[tuple[str, ...]]:
    return [captions(person, "neutral", 0.93) for person in people]


def film(frames: Sequence[Sequence[Rectangle]], rate: float = RATE) -> list[list[Label | None]]:
    """The labels of every frame; the people are numbered from 1 in the order of their boxes."""
    labels = SteadyLabels()
    people = [range(1, len(boxes) + 1) for boxes in frames]
    return [
        list(labels.place(who, texts(who), boxes, SIZE, k / rate))
        for k, (who, boxes) in enumerate(zip(people, frames, strict=True))
    ]


def drifting(seed: int, count: int, frames: int) -> list[list[Rectangle]]:
    """A crowd that walks, with the jitter of detections."""
    chance = np.random.default_rng(seed)
    start = np.array(crowd(seed, count, (1080, 600), (30, 90)))
    speed = np.tile(chance.uniform(-2, 2, (count, 2)), 2)
    jitter = chance.integers(-1, 2, (frames, count, 4))
    low, high = np.zeros(4, int), np.array([*SIZE, *SIZE])
    moved = [np.clip(start + (speed * k).astype(int) + jitter[k], low, high) for k in range(frames)]
    return [[(int(b[0]), int(b[1]), int(b[2]), int(b[3])) for b in boxes] for boxes in moved]


def sides(labels: list[list[Label | None]], person: int) -> list[Side | None]:
    return [None if (label := frame[person - 1]) is None else label.position.side for frame in labels]


def changes(labels: list[list[Label | None]]) -> int:
    positions = [[None if label is None else label.position for label in frame] for frame in labels]
    return sum(a != b for before, after in pairwise(positions) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_no_labels_overlap_in_any_frame(seed: int) -> None:
    for frame in film(drifting(seed, 40, 60)):
        drawn = [label.rectangle for label in frame if label is not None]
        assert len(drawn) > 20
        assert not any(shared_area(one, other) for one, other in combinations(drawn, 2))
        assert all(r[0] >= 0 and r[1] >= 0 and r[2] <= SIZE[0] and r[3] <= SIZE[1] for r in drawn)


@pytest.mark.parametrize("seed", range(3))
def test_labels_rarely_move_in_a_moving_crowd(seed: int) -> None:
    frames = drifting(seed, 25, 100)
    anew = [place_labels(texts(range(1, 26)), boxes, *SIZE) for boxes in frames]
    assert changes(film(frames)) * 3 < changes(anew)


def test_a_label_next_to_a_jittering_face_keeps_its_side() -> None:
    """The face above touches the label's place in every other frame."""
    lower = (600, 300, 680, 380)
    frames = [[lower, (600, 190 + k % 2 * 30, 680, 270 + k % 2 * 30)] for k in range(100)]
    assert len(set(sides(film(frames), 1)[RATE + 2 :])) == 1


def test_a_displaced_label_returns_after_a_while() -> None:
    """One person walks past another: the displaced label is not short, or elsewhere, forever."""
    standing = (600, 300, 680, 380)
    frames = [[(100 + 8 * k, 300, 180 + 8 * k, 380), standing] for k in range(137)]
    frames += [[frames[-1][0], standing]] * 60
    positions = [None if frame[1] is None else frame[1].position for frame in film(frames)]
    assert len(set(positions)) > 1
    assert positions[-1] == positions[0]
    moved = [k for k, (before, after) in enumerate(pairwise(positions)) if before != after]
    assert all(later - earlier >= PATIENCE * RATE / 2 for earlier, later in pairwise(moved))


def test_a_returning_person_is_placed_afresh_after_an_empty_frame() -> None:
    box = (100, 100, 200, 200)
    first, empty, again = film([[box], [], [box]])
    assert first == again
    assert empty == []


def test_a_face_outside_the_picture_has_no_label() -> None:
    inside, outside = film([[(100, 100, 200, 200)], [(1400, 100, 1280, 200)]])
    assert inside[0] is not None
    assert outside == [None]


def test_a_face_that_shrinks_gets_smaller_letters_at_once() -> None:
    first, second = film([[(100, 100, 500, 500)], [(100, 100, 130, 130)]])
    assert first[0] is not None
    assert second[0] is not None
    assert second[0].size < first[0].size


def test_the_frame_size_may_change_during_a_clip() -> None:
    labels = SteadyLabels()
    box = (10, 40, 110, 140)
    for k, size in enumerate(((2000, 1000), (160, 160), (2000, 1000))):
        (label,) = labels.place([1], texts([1]), [box], size, k / RATE)
        assert label is not None
        assert label.rectangle[2] <= size[0]
        assert label.size in text_sizes(max(size))
