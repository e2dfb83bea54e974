import pytest

from mien.domain import Box
from mien.timeline.interpolation import TrackInterpolator
from mien.timeline.model import FrameRow
from tests.unit.timeline.rows import face, scores

HAPPY, SAD = scores(happy=0.9), scores(sad=0.9)


def test_boxes_move_between_samples_and_emotions_do_not() -> None:
    rows = [
        FrameRow(1.0, 0, 0, (face(HAPPY, 1, Box(0, 0, 10, 10)), face(SAD, 2, Box(50, 50, 10, 10)))),
        FrameRow(2.0, 1, 0, (face(SAD, 1, Box(20, 40, 30, 10)),)),
        FrameRow(3.0, 2, 1, (face(HAPPY, 3, Box(90, 90, 10, 10)),)),
    ]
    tracks = TrackInterpolator(rows)
    assert tracks.at(0.5) == ()
    first, second = tracks.at(1.5)
    assert (first.box.x, first.box.y, first.box.width) == pytest.approx((10, 20, 20))
    assert (first.emotion, second.box) == ("happy", Box(50, 50, 10, 10))
    assert [f.person for f in tracks.at(2.0)] == [1]
    # Up to a shot boundary a box keeps its position; after it there is someone else.
    assert tracks.at(2.9)[0].box == Box(20, 40, 30, 10)
    assert [f.person for f in tracks.at(3.0)] == [3]
    assert [f.person for f in tracks.at(9.0)] == [3]
