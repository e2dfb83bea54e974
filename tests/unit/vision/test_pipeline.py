"""Which of the faces that the detector sees are reported."""

from typing import cast

import numpy as np
import pytest

from mien.domain import AnalyzeOptions, DetectorMode, Frame
from mien.vision.classifier import EmotionClassifier
from mien.vision.detector import FaceDetector
from mien.vision.pipeline import FoundFaces, Pipeline
from tests.unit.vision.stubs import SPEC, bright_spots, session

SIDE = 320
SMALL, LARGE, PAST_THE_EDGE = 20, 40, 30  # px, faces' widths


def some_faces(images: np.ndarray) -> list[np.ndarray]:
    """By brightness, best score first: faces of ``SMALL`` width, some with their centre off the picture, ``LARGE``."""
    scores, boxes, landmarks = (array.copy() for array in bright_spots(images))
    height, width = images.shape[1] // 8, images.shape[2] // 8
    values = images[0, 4::8, 4::8, 0].reshape(-1)
    cells = slice(0, height * width)
    scores[0, cells] = np.select([values == 250, values == 240, values == 230], [0.95, 0.93, 0.9], 0)
    unit = np.float32(images.shape[2] / SIDE)
    half = np.where(values == 230, LARGE / 2, SMALL / 2) * unit
    boxes[0, cells] = half[:, None]
    off = np.flatnonzero(values == 240)
    boxes[0, off] = np.asarray([PAST_THE_EDGE, 15, -1, 15], dtype=np.float32) * unit
    return [scores, boxes, landmarks]


def picture() -> Frame:
    pixels = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
    for x in (96, 160, 224):
        pixels[32:40, x : x + 8] = 250  # small
        pixels[200:208, x : x + 8] = 230  # large
    for y in (96, 144):
        pixels[y : y + 8, :8] = 240  # most of it, and its centre, left of the picture
    return Frame(pixels, SIDE, SIDE)


def found(frame: Frame, mode: DetectorMode = DetectorMode.FAST, **options: float) -> FoundFaces:
    pipeline = Pipeline(FaceDetector(session(some_faces), SPEC), cast("EmotionClassifier", None))
    return pipeline.detect(frame, AnalyzeOptions(detector=mode, **options))  # type: ignore[arg-type]


def widths(faces: FoundFaces) -> list[int]:
    return [round(float(right - left)) for left, _, right, _ in faces.detections.boxes]


def test_faces_outside_the_picture_are_not_reported() -> None:
    assert widths(found(picture())) == [SMALL] * 3 + [LARGE] * 3


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_max_faces_counts_only_faces_that_are_large_enough(count: int) -> None:
    faces = found(picture(), min_face=SMALL + 5, max_faces=count)
    assert widths(faces) == [LARGE] * min(count, 3)
    assert len(faces.crops) == len(faces.squares) == min(count, 3)


@pytest.mark.parametrize("count", [3, 4, 5, 6])
def test_faces_outside_the_picture_do_not_count_for_max_faces(count: int) -> None:
    assert widths(found(picture(), max_faces=count)) == ([SMALL] * 3 + [LARGE] * 3)[:count]


@pytest.mark.parametrize("mode", list(DetectorMode))
def test_fewer_faces_are_the_first_of_all_faces(mode: DetectorMode) -> None:
    every = found(picture(), mode, min_face=16).detections
    assert len(every.boxes) > 2
    for count in range(1, len(every.boxes)):
        fewer = found(picture(), mode, min_face=16, max_faces=count).detections
        assert fewer.boxes.tolist() == every.boxes[:count].tolist()
        assert fewer.landmarks.tolist() == every.landmarks[:count].tolist()


def test_min_face_is_in_pixels_of_the_full_picture() -> None:
    reduced = picture()
    full = Frame(reduced.pixels, 2 * SIDE, 2 * SIDE)
    assert widths(found(full, min_face=2 * SMALL + 5, max_faces=1)) == [2 * LARGE]


def test_a_reduced_decode_that_rounded_up_does_not_move_faces() -> None:
    # 639 pixels at 1/2 are 320: the factor is 2 nevertheless.
    frame = Frame(picture().pixels, 2 * SIDE - 1, 2 * SIDE)
    assert widths(found(frame, min_face=2 * SMALL + 5, max_faces=1)) == [2 * LARGE]
