import threading
import time
from itertools import pairwise

import numpy as np
import pytest
from skimage.data import astronaut

from mien.domain import Activation, Box, U8Array
from mien.render.annotate import ClipAnnotator, annotate, draw_label
from mien.render.explain import overlay
from mien.render.labels import captions
from mien.render.palette import bgr
from mien.render.placement import place_labels
from mien.timeline.model import FaceRow
from tests.fakes import make_face


def grey(width: int = 640, height: int = 480, level: int = 128) -> U8Array:
    return np.full((height, width, 3), level, np.uint8)


def covers(pixels: U8Array, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """The left, top, right and bottom of all pixels of exactly ``colour``."""
    rows, columns = np.nonzero((pixels == colour).all(axis=2))
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


def test_the_picture_itself_is_not_changed() -> None:
    pixels = grey()
    pixels.flags.writeable = False
    drawn = annotate(pixels, [make_face(Box(100, 100, 200, 200))], 640, 480)
    assert (pixels == 128).all()
    assert (drawn != 128).any()


def test_without_faces_nothing_is_drawn() -> None:
    assert np.array_equal(annotate(grey(), [], 640, 480), grey())


def test_the_box_is_around_the_face() -> None:
    drawn = annotate(grey(), [make_face(Box(100, 150, 200, 250), "sad")], 640, 480)
    left, _, right, bottom = covers(drawn, bgr("sad"))
    assert left == 100
    assert right == 299
    assert bottom == 399
    assert (drawn[170:380, 120:280] == 128).all()


def test_labels_number_the_faces_in_their_order() -> None:
    faces = [make_face(Box(350, 200, 100, 100), "happy"), make_face(Box(50, 200, 100, 100), "sad")]
    drawn = annotate(grey(), faces, 640, 480)
    texts = [captions(number, face.emotion, face.score) for number, face in enumerate(faces, start=1)]
    labels = place_labels(texts, [(350, 200, 450, 300), (50, 200, 150, 300)], 640, 480)
    for face, label in zip(faces, labels, strict=True):
        assert label is not None
        expected = grey()
        draw_label(expected, label, bgr(face.emotion))
        left, top, right, bottom = label.rectangle
        assert np.array_equal(drawn[top:bottom, left:right], expected[top:bottom, left:right])


def test_boxes_of_the_full_picture_are_scaled_to_the_copy() -> None:
    drawn = annotate(grey(320, 240), [make_face(Box(400, 600, 800, 1000), "sad")], 2560, 1920)
    left, _, right, bottom = covers(drawn, bgr("sad"))
    assert left == 50
    assert right == 149
    assert bottom == 199


@pytest.mark.parametrize("level", [0, 128, 166, 255])
def test_a_box_shows_on_any_background(level: int) -> None:
    """Across the line there is always a visible step, whatever the background."""
    drawn = annotate(grey(level=level), [make_face(Box(100, 100, 200, 300), "neutral")], 640, 480).astype(int)
    across = drawn[250, 85:115].mean(axis=1)
    assert across.max() - across.min() > 80


def test_the_line_grows_with_the_picture() -> None:
    def line(side: int) -> int:
        box = Box(side * 0.25, side * 0.25, side * 0.5, side * 0.5)
        drawn = annotate(grey(side, side), [make_face(box, "sad")], side, side)
        return int((drawn[side // 2, : side // 2] == bgr("sad")).all(axis=1).sum())

    assert line(300) == 2
    assert line(2000) == 6


def test_boxes_past_the_border_and_empty_boxes_are_harmless() -> None:
    faces = [
        make_face(Box(*box)) for box in ((-50, -50, 100, 100), (600, 440, 100, 100), (10, 10, 0, 0), (900, 9, 5, 5))
    ]
    assert annotate(grey(), faces, 640, 480).shape == (480, 640, 3)


def test_a_thousand_faces_take_at_most_seconds() -> None:
    faces = [make_face(Box(x * 50, y * 50, 40, 40)) for x in range(40) for y in range(25)]
    started = time.perf_counter()
    annotate(grey(2000, 1250), faces, 2000, 1250)
    assert time.perf_counter() - started < 3


def test_drawing_in_many_threads_gives_equal_pixels() -> None:
    picture = np.ascontiguousarray(astronaut()[..., ::-1])
    faces = [make_face(Box(40 * i, 50 * i, 90, 90), explain=True) for i in range(8)]
    expected = annotate(picture, faces, 512, 512)
    same: list[bool] = []

    def work() -> None:
        same.extend(np.array_equal(annotate(picture, faces, 512, 512), expected) for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert same == [True] * 40


def test_only_the_active_part_of_the_map_is_drawn() -> None:
    heat = np.zeros((6, 6), np.float32)
    heat[4, 1] = 1
    pixels = grey()
    overlay(pixels, Activation(heat, Box(100, 100, 240, 240)))
    changed = np.abs(pixels.astype(int) - 128).sum(axis=2)
    y, x = np.unravel_index(int(changed.argmax()), changed.shape)
    assert abs(int(x) - 160) <= 12
    assert abs(int(y) - 280) <= 12
    assert changed[:, :90].max() == 0
    assert changed[100:180, 240:340].max() == 0


def test_a_map_past_the_border_is_clipped() -> None:
    heat = np.ones((6, 6), np.float32)
    pixels = grey(100, 100)
    overlay(pixels, Activation(heat, Box(-50, -50, 100, 100)))
    assert (pixels[:50, :50] != 128).any(axis=2).all()
    assert (pixels[50:, :] == 128).all()
    overlay(pixels, Activation(heat, Box(300, 300, 50, 50)))


def test_the_map_is_scaled_to_the_copy() -> None:
    face = make_face(Box(400, 400, 400, 400), explain=True)
    drawn = annotate(grey(100, 100), [face], 1000, 1000)
    assert np.abs(drawn[60, 60].astype(int) - 128).max() > 40


def person_at(person: int, box: Box, emotion: str = "happy") -> FaceRow:
    return FaceRow(person, box, 0.9, emotion, 0.93, (0.93,))


def test_boxes_of_people_are_scaled_to_the_copy() -> None:
    pixels = grey()
    ClipAnnotator().draw(pixels, [person_at(1, Box(400, 400, 400, 400), "sad")], 1280, 960, 0.0)
    assert pixels[300, 200].tolist() == list(bgr("sad"))
    assert (pixels[230:370, 220:380] == 128).all()


def test_no_box_is_drawn_over_a_label() -> None:
    """A second face moves to where the first one's label is, which has not moved yet."""
    annotator = ClipAnnotator()
    alone, both = grey(), grey()
    first, second = person_at(1, Box(100, 200, 120, 120), "happy"), person_at(2, Box(130, 120, 60, 160), "sad")
    annotator.draw(alone, [first], 640, 480, 0.0)
    annotator.draw(both, [first, second], 640, 480, 0.04)
    assert (alone[186:196, 102:180] == bgr("happy")).any()
    assert np.array_equal(alone[186:196, 102:180], both[186:196, 102:180])


def test_a_label_does_not_jump_when_its_neighbour_jitters() -> None:
    annotator = ClipAnnotator()
    frames = []
    for k in range(75):
        pixels = grey()
        people = [person_at(1, Box(300, 250, 80, 80), "sad"), person_at(2, Box(300, 130 + k % 2 * 28, 80, 80), "happy")]
        annotator.draw(pixels, people, 640, 480, k / 25)
        frames.append((pixels == bgr("sad")).all(axis=2))
    assert all(np.array_equal(before, after) for before, after in pairwise(frames[30:]))


def test_no_people_and_people_outside_the_picture_draw_nothing() -> None:
    pixels = grey()
    ClipAnnotator().draw(pixels, [], 640, 480, 0.0)
    ClipAnnotator().draw(pixels, [person_at(1, Box(700, 10, 50, 50))], 640, 480, 0.0)
    assert (pixels == 128).all()
