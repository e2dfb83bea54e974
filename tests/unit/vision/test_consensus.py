from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mien.domain import DetectorMode
from mien.vision.boxes import Detections
from mien.vision.consensus import average_position, consensus
from mien.vision.detector import FaceDetector
from mien.vision.multiscale import detect_multiscale
from tests.unit.vision.stubs import SPEC, StubSession, bright_spots, session

Answer = Callable[[np.ndarray], list[np.ndarray]]


def face() -> np.ndarray:
    """A face left of the middle, so that its mirror image is elsewhere."""
    pixels = np.zeros((480, 640, 3), dtype=np.uint8)
    pixels[200:216, 200:216] = 255
    return pixels


def is_mirrored(images: np.ndarray) -> bool:
    columns = np.nonzero(images[0, ..., 0].max(axis=0))[0]
    return bool(columns.size) and columns.mean() > images.shape[2] / 2


def weak_scores(larger: float, smaller: float, larger_mirrored: float, smaller_mirrored: float) -> Answer:
    """Scores of the four passes over ``face``; it is twice as large at the large input, so that the boxes agree."""

    def see(images: np.ndarray) -> list[np.ndarray]:
        scores, boxes, landmarks = bright_spots(images)
        large, other = images.shape[2] > 320, is_mirrored(images)
        score = (larger_mirrored if other else larger) if large else (smaller_mirrored if other else smaller)
        return [scores / np.float32(0.9) * np.float32(score), boxes * np.float32(1 if large else 0.5), landmarks]

    return see


@pytest.mark.parametrize("mode", list(DetectorMode))
@pytest.mark.parametrize(
    ("scores", "mean"),
    [((0.49, 0.48, 0.7, 0.61), 0.57), ((0.49, 0.48, 0.5, 0.45), None), ((0.45, 0.48, 0.95, 0.52), 0.6)],
)
def test_four_weak_passes_can_reach_the_threshold_together(
    mode: DetectorMode, scores: tuple[float, float, float, float], mean: float | None
) -> None:
    found = detect_multiscale(FaceDetector(session(weak_scores(*scores)), SPEC), face(), mode)
    if mean is None:
        assert not found.scores.size
    else:
        assert found.scores == pytest.approx([mean], abs=1e-6)
        left, top, right, bottom = found.boxes[0]
        assert (left + right) / 2 == pytest.approx(208, abs=4)
        assert (top + bottom) / 2 == pytest.approx(208, abs=8)


def test_a_higher_min_score_raises_the_consensus_threshold() -> None:
    detector = FaceDetector(session(weak_scores(0.49, 0.49, 0.7, 0.7)), SPEC)
    assert detect_multiscale(detector, face(), DetectorMode.FAST, 0.59).scores.size == 1
    assert detect_multiscale(detector, face(), DetectorMode.FAST, 0.6).scores.size == 0


def test_the_mirror_image_is_searched_only_if_the_mean_is_promising() -> None:
    stub = StubSession(weak_scores(0.4, 0.28, 0.9, 0.9))
    detector = FaceDetector(stub, SPEC)  # type: ignore[arg-type]
    assert not detect_multiscale(detector, face(), DetectorMode.FAST).scores.size
    assert [images.shape[2] for images in stub.seen] == [320, 640, 320]


def test_passes_that_find_different_boxes_do_not_agree() -> None:
    def elsewhere(images: np.ndarray) -> list[np.ndarray]:
        scores, boxes, landmarks = weak_scores(0.49, 0.49, 0.49, 0.49)(images)
        shift = 60 if images.shape[2] > 320 else 0
        return [scores * np.float32(1.15), boxes + np.float32([-shift, 0, shift, 0]), landmarks]

    detector = FaceDetector(session(elsewhere), replace(SPEC, threshold=0.7, accurate_threshold=0.7))
    straight = [detector.run(face(), side) for side in (640, 320)]
    assert consensus(detector, face(), straight, 0.55, 10).scores.size == 0


def test_consensus_faces_come_best_first() -> None:
    def two(images: np.ndarray) -> list[np.ndarray]:
        scores, boxes, landmarks = weak_scores(0.5, 0.5, 0.5, 0.5)(images)
        width = images.shape[2] // 8
        rows = np.arange(scores.shape[1]) // width >= images.shape[1] // 16  # the lower half scores higher
        return [np.where(rows & (scores > 0), scores + np.float32(0.05), scores), boxes, landmarks]

    pixels = face()
    pixels[400:416, 200:216] = 255
    detector = FaceDetector(session(two), SPEC)
    found = consensus(detector, pixels, [detector.run(pixels, side) for side in (640, 320)], 0.4, 10)
    assert len(found.scores) == 2
    assert found.scores[0] > found.scores[1]
    assert found.boxes[0, 1] > found.boxes[1, 1]


def test_a_face_without_a_match_keeps_its_position() -> None:
    boxes = np.float32([[0, 0, 10, 10], [50, 50, 60, 60]])
    landmarks = np.zeros((2, 5, 2), np.float32)
    found = Detections(boxes, np.float32([0.9, 0.8]), landmarks)
    other = Detections(boxes[:1] + np.float32([2, 0, 2, 0]), np.float32([0.7]), landmarks[:1] + 1)
    both = average_position(found, other)
    assert both.boxes.tolist() == [[1, 0, 11, 10], [50, 50, 60, 60]]
    assert both.landmarks[:, 0, 0].tolist() == [0.5, 0]
    nothing = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32))
    assert average_position(found, nothing).boxes.tolist() == boxes.tolist()
