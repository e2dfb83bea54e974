from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from mien.domain import DetectorMode
from mien.vision.detector import FaceDetector
from mien.vision.multiscale import TILE_OVERLAP, TILE_SIDE, detect_multiscale, plan_tiles
from tests.unit.vision.stubs import SPEC, bright_spots, session


@pytest.mark.parametrize(
    ("width", "height"), [(1920, 1280), (2560, 1707), (1920, 400), (641, 640), (640, 640), (100, 50)]
)
def test_tiles_cover_the_picture_and_overlap(width: int, height: int) -> None:
    tiles = plan_tiles(width, height, 640, 96)
    covered = np.zeros((height, width), dtype=int)
    for tile in tiles:
        assert tile.right - tile.left <= 640
        assert tile.bottom - tile.top <= 640
        covered[tile.top : tile.bottom, tile.left : tile.right] += 1
    assert covered.min() >= 1
    spans = sorted({(tile.left, tile.right) for tile in tiles})
    assert all(before[1] - following[0] >= 96 for before, following in pairwise(spans))


def test_tiles_overlap_no_more_than_needed() -> None:
    tiles = plan_tiles(1920, 1080, TILE_SIDE, TILE_OVERLAP)
    assert [(tile.left, tile.right, tile.bottom) for tile in tiles] == [(0, 1008, 1080), (912, 1920, 1080)]


def small_face(width: int, height: int, x: int, y: int) -> np.ndarray:
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[y - 6 : y + 6, x - 6 : x + 6] = 255
    return pixels


def test_tiles_show_faces_too_small_for_the_whole_picture() -> None:
    detector = FaceDetector(session(bright_spots), SPEC)
    pixels = small_face(1920, 1280, 1500, 1100)
    assert len(detect_multiscale(detector, pixels, DetectorMode.FAST, 0.5, 10).boxes) == 0
    found = detect_multiscale(detector, pixels, DetectorMode.ACCURATE, 0.5, 10)
    left, top, right, bottom = found.boxes[0]
    assert (left + right) / 2 == pytest.approx(1500, abs=8)
    assert (top + bottom) / 2 == pytest.approx(1100, abs=8)


def test_a_face_in_the_overlap_of_two_tiles_is_one_face() -> None:
    tiles = plan_tiles(1920, 640, TILE_SIDE, TILE_OVERLAP)
    x = (tiles[1].left + tiles[0].right) // 2
    found = detect_multiscale(
        FaceDetector(session(bright_spots), SPEC), small_face(1920, 640, x, 300), DetectorMode.ACCURATE, 0.5, 9
    )
    assert len(found.boxes) == 1


@pytest.mark.parametrize(
    ("long_side", "tiled"), [(1920, 1280), (2400, 2400), (3600, 2816), (4000, 3000), (6000, 4500), (9000, 4544)]
)
def test_the_size_at_which_a_picture_is_tiled(long_side: int, tiled: int) -> None:
    # In a narrow strip the tiles lie in a row.
    calls = []

    def listening(images: np.ndarray) -> list[np.ndarray]:
        calls.append(images.shape[2])
        return bright_spots(images)

    pixels = np.zeros((64, long_side, 3), dtype=np.uint8)
    detect_multiscale(FaceDetector(session(listening), SPEC), pixels, DetectorMode.ACCURATE, 0.5, 10)
    tiles = plan_tiles(tiled, 64, TILE_SIDE, TILE_OVERLAP)
    widths = [tile.right - tile.left for tile in tiles]
    assert calls[2 : 2 + len(tiles)] == [-(-width // 32) * 32 for width in widths]


def test_small_pictures_are_not_tiled() -> None:
    calls = []

    def counting(images: np.ndarray) -> list[np.ndarray]:
        calls.append(images.shape)
        return bright_spots(images)

    pixels = np.zeros((960, 1280, 3), np.uint8)
    detect_multiscale(FaceDetector(session(counting), SPEC), pixels, DetectorMode.ACCURATE, 0.5, 9)
    both_scales, rotated = calls[:2], calls[2:]
    assert both_scales == [(1, 480, 640, 3), (1, 256, 320, 3)]
    assert rotated == [(1, 320, 256, 3), (1, 256, 320, 3), (1, 320, 256, 3)]  # no certain face was found


def test_tiles_do_not_report_large_faces() -> None:
    def large_faces(images: np.ndarray) -> list[np.ndarray]:
        scores, boxes, landmarks = bright_spots(images)
        return [scores, boxes * 3, landmarks]

    detector = FaceDetector(session(large_faces), SPEC)
    pixels = small_face(1920, 1280, 1500, 1100)
    assert len(detect_multiscale(detector, pixels, DetectorMode.ACCURATE, 0.5, 10).boxes) == 0


def test_accurate_finds_a_face_that_only_the_small_input_shows() -> None:
    def small_input_only(images: np.ndarray) -> list[np.ndarray]:
        scores, boxes, landmarks = bright_spots(images)
        return [scores * (images.shape[2] <= 320), boxes, landmarks]

    detector = FaceDetector(session(small_input_only), SPEC)
    pixels = np.zeros((480, 640, 3), dtype=np.uint8)
    pixels[200:220, 300:320] = 255
    assert len(detect_multiscale(detector, pixels, DetectorMode.ACCURATE, 0.5, 9).boxes) == 1


def only_upright(images: np.ndarray) -> list[np.ndarray]:
    """Sees faces only in pictures whose first row is grey."""
    scores, boxes, landmarks = bright_spots(images)
    return [scores * (images[0, 0, 30, 0] > 50), boxes, landmarks]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_accurate_searches_rotated_pictures(quarters: int) -> None:
    upright = np.zeros((240, 320, 3), dtype=np.uint8)
    upright[:2] = 100
    upright[100:120, 60:80] = 255
    held = np.ascontiguousarray(np.rot90(upright, -quarters))
    detector = FaceDetector(session(only_upright), SPEC)
    assert len(detect_multiscale(detector, held, DetectorMode.FAST, 0.5, 9).boxes) == 0
    (left, top, right, bottom), *others = detect_multiscale(detector, held, DetectorMode.ACCURATE, 0.5, 9).boxes
    assert not others
    rows, columns = np.nonzero(held[..., 0] == 255)
    assert (left + right) / 2 == pytest.approx(columns.mean(), abs=12)
    assert (top + bottom) / 2 == pytest.approx(rows.mean(), abs=12)


def test_a_certain_face_makes_rotated_passes_unnecessary() -> None:
    calls = []

    def counting(images: np.ndarray) -> list[np.ndarray]:
        calls.append(images.shape)
        return bright_spots(images)

    pixels = np.zeros((240, 320, 3), dtype=np.uint8)
    pixels[100:120, 60:80] = 255
    detect_multiscale(FaceDetector(session(counting), SPEC), pixels, DetectorMode.ACCURATE, 0.5, 9)
    assert len(calls) == 2


def test_a_face_at_the_large_input_must_be_confirmed_if_visible_at_the_small_one() -> None:
    def large_input_only(scale: float) -> Callable[[np.ndarray], list[np.ndarray]]:
        def see(images: np.ndarray) -> list[np.ndarray]:
            scores, boxes, landmarks = bright_spots(images)
            return [scores * (images.shape[2] > 320), boxes * np.float32(scale), landmarks]

        return see

    pixels = np.zeros((480, 640, 3), dtype=np.uint8)
    pixels[200:220, 300:320] = 255
    for scale, seen in ((1.0, False), (0.5, True)):  # 49 and 24 px
        detector = FaceDetector(session(large_input_only(scale)), SPEC)
        assert bool(len(detect_multiscale(detector, pixels, DetectorMode.ACCURATE, 0.5, 9).boxes)) == seen


def test_a_face_is_not_inside_another_face() -> None:
    def two_sizes(images: np.ndarray) -> list[np.ndarray]:
        scores, boxes, landmarks = bright_spots(images)
        return [scores, boxes * (1.5 if images.shape[2] > 320 else 0.5), landmarks]

    detector = FaceDetector(session(two_sizes), SPEC)
    pixels = np.zeros((480, 640, 3), dtype=np.uint8)
    pixels[200:220, 300:320] = 255
    assert len(detect_multiscale(detector, pixels, DetectorMode.ACCURATE, 0.5, 9).boxes) == 1


@pytest.mark.parametrize("mode", list(DetectorMode))
def test_fewer_faces_are_the_first_of_all_faces(mode: DetectorMode) -> None:
    def disagreeing(images: np.ndarray) -> list[np.ndarray]:
        scores, boxes, landmarks = bright_spots(images)
        # The best at one input is the weakest at the other, which must confirm it.
        columns = np.linspace(0.6, 1, scores.shape[1], dtype=np.float32)
        ranks = columns if images.shape[2] > 320 else columns[::-1]
        return [scores * ranks, boxes * np.float32(images.shape[2] / 640), landmarks]

    pixels = np.zeros((480, 640, 3), dtype=np.uint8)
    for x in (60, 220, 380, 540):
        pixels[100:120, x : x + 20] = 255
        pixels[350:370, x : x + 20] = 255
    detector = FaceDetector(session(disagreeing), SPEC)
    every = detect_multiscale(detector, pixels, mode, 0.5, 1000)
    assert len(every.boxes) == 8
    for count in range(1, 8):
        assert detect_multiscale(detector, pixels, mode, 0.5, count).boxes.tolist() == every.boxes[:count].tolist()


def shifted_spots(images: np.ndarray) -> list[np.ndarray]:
    """As ``bright_spots``, at the large input only: faces too small to need confirmation, 4 px too far to the right."""
    scores, boxes, landmarks = bright_spots(images)
    if max(images.shape[1:3]) < 640:
        scores = scores * np.float32(0.5)
    return [scores, boxes / 2 + np.asarray([-4, 0, 4, 0], dtype=np.float32), landmarks]


def test_fast_runs_the_large_input_if_the_small_one_finds_no_face() -> None:
    detector = FaceDetector(session(shifted_spots), SPEC)
    pixels = small_face(640, 480, 300, 200)
    assert detector.detect(pixels, 320, 0.5, 10).scores.size == 0
    (box,) = detect_multiscale(detector, pixels, DetectorMode.FAST, 0.5, 10).boxes
    # The error has the opposite sign in the mirror image: the mean has none.
    assert (box[0] + box[2]) / 2 == pytest.approx(300, abs=3)
    assert (box[1] + box[3]) / 2 == pytest.approx(200, abs=5)


def test_the_large_input_of_fast_has_the_accurate_threshold() -> None:
    detector = FaceDetector(session(shifted_spots), replace(SPEC, accurate_threshold=0.95, consensus_threshold=0.95))
    assert detect_multiscale(detector, small_face(640, 480, 300, 200), DetectorMode.FAST, 0.5, 10).scores.size == 0
