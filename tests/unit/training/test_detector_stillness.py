"""Crops about large faces, and the frames that jitter is measured on."""

import numpy as np
import pytest

from training.detector.jitter import FRAMES, track
from training.detector.large_faces import crop_about
from training.detector.predictor import Detections

PICTURE = np.random.default_rng(0).integers(0, 256, (100, 160, 3), np.uint8)


def test_a_crop_gives_the_face_its_share_and_stays_in_the_picture() -> None:
    box = np.array([10, 20, 40, 60], np.float32)
    cropped = crop_about(PICTURE, box, 0.5)
    assert cropped is not None
    part, moved = cropped
    assert part.shape == (80, 80, 3)
    x, y = (box - moved)[:2].astype(int)
    np.testing.assert_array_equal(part, PICTURE[y : y + 80, x : x + 80])
    assert crop_about(PICTURE, box, 0.3) is None  # the picture is too small for that


class Follows:
    """A detector that knows where the face is, but for an error that changes sign at every look."""

    def __init__(self, box: list[float], error: float) -> None:
        self.box, self.error = np.array([box], np.float32), error

    def detect(self, picture: np.ndarray, long_side: int) -> Detections:
        self.error = -self.error
        return Detections(self.box + self.error, np.ones(1, np.float32), np.zeros((1, 5, 2), np.float32))


def test_a_track_holds_what_trembles_and_only_where_the_face_was_found() -> None:
    label = np.array([40, 30, 80, 70], np.float32)
    boxes = track(Follows([40, 30, 80, 70], 2.0), PICTURE, label, 320, seed=1)
    assert boxes.shape == (FRAMES, 4)
    assert np.abs(np.diff(boxes, axis=0)).mean() == pytest.approx(4, abs=0.8)  # the shifts are half a pixel at most
    assert track(Follows([100, 30, 140, 70], 0.0), PICTURE, label, 320, seed=1).shape == (0, 4)
