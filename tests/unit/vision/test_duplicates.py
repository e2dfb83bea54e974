"""Boxes and landmarks as the shipped detector gave them, in a clip of a crowd and in crowded photographs."""

from typing import cast

import numpy as np
import pytest

from mien.domain import AnalyzeOptions, Frame
from mien.vision.boxes import Detections
from mien.vision.classifier import EmotionClassifier
from mien.vision.detector import FaceDetector
from mien.vision.duplicates import second_boxes
from mien.vision.pipeline import Pipeline
from tests.unit.vision.stubs import SPEC, session

# Position of eyes, nose and mouth in an upright box, in its width and height.
UPRIGHT = np.asarray([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], dtype=np.float32)


def faces(*found: tuple[float, float, float, float, float]) -> Detections:
    """Each from its score, centre, width and height."""
    ranked = np.asarray(sorted(found, reverse=True), dtype=np.float32)
    scores, centres, sizes = ranked[:, 0], ranked[:, 1:3], ranked[:, 3:]
    corners = centres - sizes / 2
    landmarks = corners[:, None] + UPRIGHT * sizes[:, None]
    return Detections(np.concatenate([corners, centres + sizes / 2], axis=1), scores, landmarks)


FACE = (300.0, 300.0, 80.0, 96.0)
APART = (500.0, 300.0, 80.0, 96.0)


@pytest.mark.parametrize(
    ("away", "score"),
    [
        ((15, -66), 0.71),  # hair, a quarter of it on the face
        ((12, -40), 0.66),  # hair and forehead, half of it
        ((-20, -62), 0.4),
        ((10, 66), 0.58),  # a hand before the chin
    ],
)
def test_hair_or_a_hand_is_a_second_box_on_the_same_head(away: tuple[float, float], score: float) -> None:
    x, y = FACE[0] + away[0], FACE[1] + away[1]
    found = faces((0.86, *FACE), (score, x, y, 76, 92), (0.5, *APART))
    assert found.scores[second_boxes(found)] == pytest.approx([score])


@pytest.mark.parametrize(
    ("away", "score"),
    [
        ((60, -20), 0.6),  # cheek by cheek
        ((34, -66), 0.6),  # over the shoulder
        ((10, -90), 0.6),  # right behind, and higher: nothing of either face lies on the other
        ((10, -66), 0.85),  # a certain one, half hidden by the head in front of it
        ((0, -10), 0.6),  # nearly the same box: left to non-maximum suppression
    ],
)
def test_a_neighbour_is_not_a_second_box(away: tuple[float, float], score: float) -> None:
    x, y = FACE[0] + away[0], FACE[1] + away[1]
    found = faces((0.9, *FACE), (score, x, y, 76, 92), (0.5, *APART))
    assert not second_boxes(found).any()


def test_what_stays_does_not_depend_on_worse_boxes() -> None:
    found = faces((0.71, *FACE), (0.75, 315, 230, 76, 92), (0.7, 310, 380, 76, 92))
    assert second_boxes(found).tolist() == [False, True, False]
    for count in (1, 2):
        better = found.select(slice(count))
        assert second_boxes(better).tolist() == second_boxes(found)[:count].tolist()


def test_one_of_three_boxes_on_a_head_is_kept() -> None:
    found = faces((0.7, 300, 300, 80, 96), (0.68, 305, 235, 80, 96), (0.6, 298, 350, 80, 96))
    assert second_boxes(found).sum() == 2


def test_no_face_and_one_face_have_no_second_box() -> None:
    one = faces((0.5, *FACE))
    assert second_boxes(one).tolist() == [False]
    assert second_boxes(one.select(slice(0))).tolist() == []


def hair_and_face(images: np.ndarray) -> list[np.ndarray]:
    """A 'network' that sees a face in the middle of 320 x 320 px and a weaker one in its hair."""
    count = sum((side // stride) ** 2 for side in [images.shape[1]] for stride in SPEC.strides)
    scores = np.zeros((1, count), dtype=np.float32)
    boxes = np.tile(np.asarray([24, 32, 24, 32], dtype=np.float32), (1, count, 1))
    landmarks = np.tile(((UPRIGHT - 0.5) * [48, 64]).astype(np.float32).reshape(10), (1, count, 1))
    columns = images.shape[2] // 8
    if columns == 40:
        scores[0, 20 * columns + 20] = 0.9
        scores[0, 15 * columns + 20] = 0.7  # 40 px higher
    return [scores, boxes, landmarks]


@pytest.mark.parametrize(("keep_doubles", "reported"), [(False, 1), (True, 2)])
def test_second_boxes_are_reported_only_for_redaction(keep_doubles: bool, reported: int) -> None:
    pipeline = Pipeline(FaceDetector(session(hair_and_face), SPEC), cast("EmotionClassifier", None))
    frame = Frame(np.zeros((320, 320, 3), np.uint8), 320, 320)
    found = pipeline.detect(frame, AnalyzeOptions(keep_doubles=keep_doubles))
    assert len(found.crops) == reported
    assert found.detections.scores[0] == pytest.approx(0.9)
