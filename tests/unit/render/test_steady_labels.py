"""Labels of a clip: off one another, and not from one place to the next and back."""

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np
import pytest

from mien.render.geometry import Rectangle, shared_area
from mien.render.labels import Label, Side, captions, text_sizes
from mien.render.placement import place_labels
from mien.render.steady_labels import PATIENCE, SteadyLabels
from tests.unit.render.crowds import crowd

SIZE = (1280, 720)
RATE = 25


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
    """A crowd in which everybody walks, and trembles as detections do."""
    chance = np.random.default_rng(seed)
    start = np.array(crowd(seed, count, (1080, 600), (30, 90)))
    speed = np.tile(chance.uniform(-2, 2, (count, 2)), 2)
    tremble = chance.integers(-1, 2, (frames, count, 4))
    low, high = np.zeros(4, int), np.array([*SIZE, *SIZE])
    moved = [np.clip(start + (speed * k).astype(int) + tremble[k], low, high) for k in range(frames)]
    return [[(int(b[0]), int(b[1]), int(b[2]), int(b[3])) for b in boxes] for boxes in moved]


def sides(labels: list[list[Label | None]], person: int) -> list[Side | None]:
    return [None if (label := frame[person - 1]) is None else label.spot.side for frame in labels]


def changes(labels: list[list[Label | None]]) -> int:
    spots = [[None if label is None else label.spot for label in frame] for frame in labels]
    return sum(a != b for before, after in pairwise(spots) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_no_label_lies_on_another_in_any_frame(seed: int) -> None:
    for frame in film(drifting(seed, 40, 60)):
        drawn = [label.rectangle for label in frame if label is not None]
        assert len(drawn) > 20
        assert not any(shared_area(one, other) for one, other in combinations(drawn, 2))
        assert all(r[0] >= 0 and r[1] >= 0 and r[2] <= SIZE[0] and r[3] <= SIZE[1] for r in drawn)


@pytest.mark.parametrize("seed", range(3))
def test_labels_stay_where_they_are_in_a_moving_crowd(seed: int) -> None:
    frames = drifting(seed, 25, 100)
    anew = [place_labels(texts(range(1, 26)), boxes, *SIZE) for boxes in frames]
    assert changes(film(frames)) * 3 < changes(anew)


def test_a_label_beside_which_another_face_trembles_keeps_its_side() -> None:
    """The face above touches the label's place in every other frame."""
    lower = (600, 300, 680, 380)
    frames = [[lower, (600, 190 + k % 2 * 30, 680, 270 + k % 2 * 30)] for k in range(100)]
    assert len(set(sides(film(frames), 1)[RATE + 2 :])) == 1


def test_a_label_that_gave_way_comes_back_after_a_while() -> None:
    """One walks past another: the label that has to give way is not short, or elsewhere, for good."""
    standing = (600, 300, 680, 380)
    frames = [[(100 + 8 * k, 300, 180 + 8 * k, 380), standing] for k in range(137)]
    frames += [[frames[-1][0], standing]] * 60
    spots = [None if frame[1] is None else frame[1].spot for frame in film(frames)]
    assert len(set(spots)) > 1
    assert spots[-1] == spots[0]
    moved = [k for k, (before, after) in enumerate(pairwise(spots)) if before != after]
    assert all(later - earlier >= PATIENCE * RATE / 2 for earlier, later in pairwise(moved))


def test_who_comes_again_is_placed_anew_and_an_empty_frame_does_no_harm() -> None:
    box = (100, 100, 200, 200)
    first, nobody, again = film([[box], [], [box]])
    assert first == again
    assert nobody == []


def test_a_face_that_left_the_picture_has_no_label() -> None:
    inside, outside = film([[(100, 100, 200, 200)], [(1400, 100, 1280, 200)]])
    assert inside[0] is not None
    assert outside == [None]


def test_a_face_that_shrinks_loses_its_large_letters_at_once() -> None:
    first, second = film([[(100, 100, 500, 500)], [(100, 100, 130, 130)]])
    assert first[0] is not None
    assert second[0] is not None
    assert second[0].size < first[0].size


def test_frames_may_change_their_size_on_the_way() -> None:
    labels = SteadyLabels()
    box = (10, 40, 110, 140)
    for k, size in enumerate(((2000, 1000), (160, 160), (2000, 1000))):
        (label,) = labels.place([1], texts([1]), [box], size, k / RATE)
        assert label is not None
        assert label.rectangle[2] <= size[0]
        assert label.size in text_sizes(max(size))
