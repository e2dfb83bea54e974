"""Passes, tiles and turns joined to one answer."""

import numpy as np
import pytest

from mien.domain import DetectorMode
from mien.vision.boxes import Detections
from mien.vision.detector import FaceDetector
from mien.vision.pyramid import BUDGETS, TILE_OVERLAP, TILE_SIDE, plan_tiles
from mien.vision.search import search
from tests.unit.vision.stubs import SPEC, StubSession, bright_spots, session

AUTO, FAST, ACCURATE = DetectorMode.AUTO, DetectorMode.FAST, DetectorMode.ACCURATE


def spot(width: int, height: int, x: int, y: int, side: int = 12) -> np.ndarray:
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[y - side // 2 : y + side // 2, x - side // 2 : x + side // 2] = 255
    return pixels


def centres(found: Detections) -> np.ndarray:
    return (found.boxes[:, :2] + found.boxes[:, 2:]) / 2


def test_finer_scales_show_faces_too_small_for_coarser_ones() -> None:
    detector = FaceDetector(session(bright_spots), SPEC)
    pixels = spot(1920, 1280, 1500, 1100)
    assert len(search(detector, pixels, FAST).boxes) == 0
    for mode in (AUTO, ACCURATE):
        assert centres(search(detector, pixels, mode)) == pytest.approx(np.asarray([[1500, 1100]]), abs=8)


@pytest.mark.parametrize("offset", range(-100, 101, 20))
def test_a_face_at_a_seam_is_one_face(offset: int) -> None:
    tiles = plan_tiles(2560, 640, TILE_SIDE, TILE_OVERLAP)
    x = (tiles[1].left + tiles[0].right) // 2 + offset
    found = search(FaceDetector(session(bright_spots), SPEC), spot(2560, 640, x, 300), ACCURATE)
    assert centres(found) == pytest.approx(np.asarray([[x, 300]]), abs=8)


def test_a_large_face_is_left_to_the_coarsest_pass() -> None:
    def large_faces_at_fine_scales(images: np.ndarray) -> list[np.ndarray]:
        scores, boxes, landmarks = bright_spots(images)
        return [scores * (max(images.shape[1:3]) > 320), boxes * 3, landmarks]

    detector = FaceDetector(session(large_faces_at_fine_scales), SPEC)
    assert len(search(detector, spot(1920, 1280, 1500, 1100), ACCURATE).boxes) == 0


def test_a_face_is_not_inside_another_face() -> None:
    def two_sizes(images: np.ndarray) -> list[np.ndarray]:
        scores, boxes, landmarks = bright_spots(images)
        return [scores, boxes * (1.5 if images.shape[2] > 320 else 0.5), landmarks]

    detector = FaceDetector(session(two_sizes), SPEC)
    assert len(search(detector, spot(640, 480, 310, 210, 20), AUTO).boxes) == 1


def graded(images: np.ndarray) -> list[np.ndarray]:
    """Faces score more to the right, and the fine scale sees them smaller and a little to the left."""
    scores, boxes, landmarks = bright_spots(images)
    columns = np.tile(np.linspace(0.5, 1, images.shape[2] // 8, dtype=np.float32), images.shape[1] // 8)
    scores[0, : columns.size] *= columns
    shift = np.asarray([4, 0, -4, 0], dtype=np.float32) if images.shape[2] > 320 else np.float32(0)
    return [scores, boxes + shift, landmarks]


def eight_spots() -> np.ndarray:
    pixels = np.zeros((480, 640, 3), dtype=np.uint8)
    for x in (60, 220, 380, 540):
        pixels[100:120, x : x + 20] = 255
        pixels[350:370, x : x + 20] = 255
    return pixels


@pytest.mark.parametrize("mode", list(DetectorMode))
def test_more_confidence_gives_the_best_of_the_faces_that_less_gives(mode: DetectorMode) -> None:
    detector = FaceDetector(session(graded), SPEC)
    every = search(detector, eight_spots(), mode, 0.05)
    assert len(every.boxes) >= 8
    for threshold in (0.3, 0.5, 0.6, 0.7, 0.8, 0.9):
        fewer, kept = search(detector, eight_spots(), mode, threshold), every.scores >= threshold
        assert fewer.boxes.tolist() == every.boxes[kept].tolist()
        assert fewer.landmarks.tolist() == every.landmarks[kept].tolist()


@pytest.mark.parametrize("mode", list(DetectorMode))
def test_fewer_faces_are_the_first_of_all_faces(mode: DetectorMode) -> None:
    detector = FaceDetector(session(graded), SPEC)
    every = search(detector, eight_spots(), mode)
    for count in range(1, len(every.boxes)):
        assert search(detector, eight_spots(), mode, None, count).boxes.tolist() == every.boxes[:count].tolist()


def test_no_find_spares_a_pass() -> None:
    shapes = []
    for pixels in (eight_spots(), np.zeros((480, 640, 3), np.uint8)):
        stub = StubSession(bright_spots)
        search(FaceDetector(stub, SPEC), pixels, ACCURATE)  # type: ignore[arg-type]
        shapes.append([images.shape for images in stub.seen])
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("mode", list(DetectorMode))
@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 3), (300, 1), (1, 700), (3000, 40), (1300, 1300)])
def test_a_picture_of_any_shape_is_searched_within_the_budget(width: int, height: int, mode: DetectorMode) -> None:
    stub = StubSession(bright_spots)
    found = search(FaceDetector(stub, SPEC), np.zeros((height, width, 3), np.uint8), mode)  # type: ignore[arg-type]
    assert not found.scores.size
    budget = BUDGETS[mode]
    assert sum(images.shape[1] * images.shape[2] for images in stub.seen) <= budget.upright + budget.turned


def only_upright(images: np.ndarray) -> list[np.ndarray]:
    """Sees faces only in pictures whose first row is grey."""
    scores, boxes, landmarks = bright_spots(images)
    return [scores * (images[0, 0, 30, 0] > 50), boxes, landmarks]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_accurate_searches_the_turned_picture(quarters: int) -> None:
    upright = np.zeros((240, 320, 3), dtype=np.uint8)
    upright[:2] = 100
    upright[100:120, 60:80] = 255
    held = np.ascontiguousarray(np.rot90(upright, -quarters))
    detector = FaceDetector(session(only_upright), SPEC)
    assert len(search(detector, held, FAST).boxes) == 0
    rows, columns = np.nonzero(held[..., 0] == 255)
    expected = np.asarray([[columns.mean(), rows.mean()]])
    found = search(detector, held, ACCURATE)
    assert centres(found) == pytest.approx(expected, abs=12)
    assert found.scores == pytest.approx([0.8])  # 0.9 with twice the doubt
    assert not search(detector, held, ACCURATE, 0.85).scores.size
