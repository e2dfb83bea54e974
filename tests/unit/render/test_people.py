"""People on the frames of a clip."""

from itertools import pairwise

import numpy as np

from mien.domain import Box, U8Array
from mien.render.palette import bgr
from mien.render.people import PeopleDrawer
from mien.timeline.model import FaceRow


def row(person: int, box: Box, emotion: str = "happy") -> FaceRow:
    return FaceRow(person, box, 0.9, emotion, 0.93, (0.93,))


def grey() -> U8Array:
    return np.full((480, 640, 3), 128, np.uint8)


def test_boxes_of_the_full_frame_are_scaled_to_the_copy() -> None:
    pixels = grey()
    PeopleDrawer().draw(pixels, [row(1, Box(400, 400, 400, 400), "sad")], 1280, 960, 0.0)
    assert pixels[300, 200].tolist() == list(bgr("sad"))
    assert (pixels[230:370, 220:380] == 128).all()


def test_no_box_is_drawn_over_a_label() -> None:
    """A second face comes to where the first one's label is, and the label has not moved yet."""
    drawer = PeopleDrawer()
    alone, both = grey(), grey()
    first, second = row(1, Box(100, 200, 120, 120), "happy"), row(2, Box(130, 120, 60, 160), "sad")
    drawer.draw(alone, [first], 640, 480, 0.0)
    drawer.draw(both, [first, second], 640, 480, 0.04)
    assert (alone[186:196, 102:180] == bgr("happy")).any()
    assert np.array_equal(alone[186:196, 102:180], both[186:196, 102:180])


def test_a_label_does_not_jump_with_a_trembling_neighbour() -> None:
    drawer = PeopleDrawer()
    frames = []
    for k in range(75):
        pixels = grey()
        people = [row(1, Box(300, 250, 80, 80), "sad"), row(2, Box(300, 130 + k % 2 * 28, 80, 80), "happy")]
        drawer.draw(pixels, people, 640, 480, k / 25)
        frames.append((pixels == bgr("sad")).all(axis=2))
    assert all(np.array_equal(before, after) for before, after in pairwise(frames[30:]))


def test_nobody_is_drawn_where_there_is_nobody() -> None:
    pixels = grey()
    PeopleDrawer().draw(pixels, [], 640, 480, 0.0)
    PeopleDrawer().draw(pixels, [row(1, Box(700, 10, 50, 50))], 640, 480, 0.0)
    assert (pixels == 128).all()
