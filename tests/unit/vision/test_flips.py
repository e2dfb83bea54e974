"""Faces must lie where they lay before the picture was turned."""

import numpy as np
import pytest

from mien.vision.detector import Detections
from mien.vision.flips import mirrored, mirrored_back, turned, turned_back


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_face_of_a_turned_picture_is_turned_back_to_its_pixels(quarters: int) -> None:
    pixels = np.zeros((40, 70, 3), dtype=np.uint8)
    pixels[5:15, 20:50] = 255
    rows, columns = np.nonzero(turned(pixels, quarters)[..., 0])
    box = np.asarray([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], dtype=np.float32)
    points = np.repeat(box[:, None, :2], 5, axis=1)  # the box's own top left corner
    found = turned_back(Detections(box, np.ones(1, np.float32), points), quarters, 70, 40)
    np.testing.assert_array_equal(found.boxes, [[20, 5, 50, 15]])
    corner = [(20, 5), (50, 5), (50, 15), (20, 15)][quarters]  # where a box turned that far has its top left
    np.testing.assert_array_equal(found.landmarks[0, 0], corner)


def test_a_face_of_a_mirrored_picture_is_mirrored_back_and_its_right_eye_is_right() -> None:
    pixels = np.zeros((40, 70, 3), dtype=np.uint8)
    pixels[5:15, 20:50] = 255
    rows, columns = np.nonzero(mirrored(pixels)[..., 0])
    box = np.asarray([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], dtype=np.float32)
    points = np.asarray([[[30, 7], [40, 8], [35, 10], [31, 12], [39, 13]]], dtype=np.float32)
    found = mirrored_back(Detections(box, np.ones(1, np.float32), points), 70)
    np.testing.assert_array_equal(found.boxes, [[20, 5, 50, 15]])
    np.testing.assert_array_equal(found.landmarks, [[[30, 8], [40, 7], [35, 10], [31, 13], [39, 12]]])


def test_nothing_found_stays_nothing() -> None:
    nothing = Detections(*(np.zeros(shape, np.float32) for shape in ((0, 4), (0,), (0, 5, 2))))
    assert turned_back(nothing, 3, 70, 40).boxes.shape == (0, 4)
