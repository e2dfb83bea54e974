"""A timeline's boxes beside the teacher's."""

import numpy as np
import pytest

from mien.domain import Box
from mien.timeline.model import FaceRow, FrameRow

pytest.importorskip("av", reason="the environment of the training reads no clips")
from training.end_to_end.clips import compare


def row(*boxes: Box) -> FrameRow:
    return FrameRow(0.0, 0, 0, tuple(FaceRow(i + 1, box, 0.9, "happy", 1.0, (1.0,)) for i, box in enumerate(boxes)))


def test_boxes_that_the_teacher_hardly_sees_are_doubtful_and_its_sure_faces_without_a_box_are_missed() -> None:
    found = row(Box(10, 10, 40, 50), Box(200, 10, 40, 50), Box(400, 10, 40, 50))
    seen = np.array(
        [
            [12, 12, 50, 60],  # the first one
            [200, 10, 240, 60],  # the second one, but it is hardly believed in
            [600, 10, 640, 60],  # not found
            [800, 10, 810, 20],  # too small to be asked for
        ],
        np.float32,
    )
    scores = np.array([0.9, 0.2, 0.8, 0.9], np.float32)
    assert compare(found, seen, scores) == {"boxes": 3, "doubtful": 2, "sure": 2, "missed": 1}


def test_a_frame_without_faces_counts_nothing() -> None:
    nothing = np.zeros((0, 4), np.float32)
    assert set(compare(row(), nothing, nothing[:, 0]).values()) == {0}
