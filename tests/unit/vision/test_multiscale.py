from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from mien.domain import DetectorMode
from mien.vision.detector import FaceDetector
from mien.vision.multiscale import OVERLAP, TILE, look, plan_tiles
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


def test_tiles_waste_little() -> None:
    tiles = plan_tiles(1920, 1080, TILE, OVERLAP)
    assert [(tile.left, tile.right, tile.bottom) for tile in tiles] == [(0, 1008, 1080), (912, 1920, 1080)]


def small_face(width: int, height: int, x: int, y: int) -> np.ndarray:
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[y - 6 : y + 6, x - 6 : x + 6] = 255
    return pixels


def test_the_second_look_finds_what_the_first_is_too_coarse_for() -> None:
    detector = FaceDetector(session(bright_spots), SPEC)
    pixels = small_face(1920, 1280, 1500, 1100)
    assert len(look(detector, pixels, DetectorMode.FAST, 0.5, 10).boxes) == 0
    found = look(detector, pixels, DetectorMode.ACCURATE, 0.5, 10)
    left, top, right, bottom = found.boxes[0]
    assert (left + right) / 2 == pytest.approx(1500, abs=8)
    assert (top + bottom) / 2 == pytest.approx(1100, abs=8)


def test_a_face_in_the_overlap_of_two_tiles_is_one_face() -> None:
    tiles = plan_tiles(1920, 640, TILE, OVERLAP)
    x = (tiles[1].left + tiles[0].right) // 2
    found = look(
        FaceDetector(session(bright_spots), SPEC), small_face(1920, 640, x, 300), DetectorMode.ACCURATE, 0.5, 9
    )
    assert len(found.boxes) == 1


@pytest.mark.parametrize(
    ("long_side", "looked"), [(1920, 1280), (2400, 2400), (3600, 2816), (4000, 3000), (6000, 4500), (9000, 4544)]
)
def test_the_second_look_is_as_large_as_it_can_be_in_time(long_side: int, looked: int) -> None:
    # In a narrow strip the tiles of the second look lie in a row.
    calls = []

    def listening(images: np.ndarray) -> list[np.ndarray]:
        calls.append(images.shape[2])
        return bright_spots(images)

    pixels = np.zeros((64, long_side, 3), dtype=np.uint8)
    look(FaceDetector(session(listening), SPEC), pixels, DetectorMode.ACCURATE, 0.5, 10)
    tiles = plan_tiles(looked, 64, TILE, OVERLAP)
    widths = [tile.right - tile.left for tile in tiles]
    assert calls[2 : 2 + len(tiles)] == [-(-width // 32) * 32 for width in widths]


def test_pictures_that_the_first_look_can_resolve_need_no_tiles() -> None:
    calls = []

    def counting(images: np.ndarray) -> list[np.ndarray]:
        calls.append(images.shape)
        return bright_spots(images)

    look(FaceDetector(session(counting), SPEC), np.zeros((960, 1280, 3), np.uint8), DetectorMode.ACCURATE, 0.5, 9)
    looks, turned = calls[:2], calls[2:]
    assert looks == [(1, 480, 640, 3), (1, 256, 320, 3)]
    assert turned == [(1, 320, 256, 3), (1, 256, 320, 3), (1, 320, 256, 3)]  # nothing sure was found


def test_large_faces_are_left_to_the_first_look() -> None:
    def large_faces(images: np.ndarray) -> list[np.ndarray]:
        scores, boxes, landmarks = bright_spots(images)
        return [scores, boxes * 3, landmarks]

    detector = FaceDetector(session(large_faces), SPEC)
    assert len(look(detector, small_face(1920, 1280, 1500, 1100), DetectorMode.ACCURATE, 0.5, 10).boxes) == 0


def test_a_face_that_only_the_smaller_input_shows_is_found_when_accurate() -> None:
    def near_sighted(images: np.ndarray) -> list[np.ndarray]:
        scores, boxes, landmarks = bright_spots(images)
        return [scores * (images.shape[2] <= 320), boxes, landmarks]

    detector = FaceDetector(session(near_sighted), SPEC)
    pixels = np.zeros((480, 640, 3), dtype=np.uint8)
    pixels[200:220, 300:320] = 255
    assert len(look(detector, pixels, DetectorMode.ACCURATE, 0.5, 9).boxes) == 1


def knows_which_way_is_up(images: np.ndarray) -> list[np.ndarray]:
    """Sees faces only in pictures whose first row is grey."""
    scores, boxes, landmarks = bright_spots(images)
    return [scores * (images[0, 0, 30, 0] > 50), boxes, landmarks]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_picture_held_the_wrong_way_is_looked_at_turned_when_accurate(quarters: int) -> None:
    upright = np.zeros((240, 320, 3), dtype=np.uint8)
    upright[:2] = 100
    upright[100:120, 60:80] = 255
    held = np.ascontiguousarray(np.rot90(upright, -quarters))
    detector = FaceDetector(session(knows_which_way_is_up), SPEC)
    assert len(look(detector, held, DetectorMode.FAST, 0.5, 9).boxes) == 0
    (left, top, right, bottom), *others = look(detector, held, DetectorMode.ACCURATE, 0.5, 9).boxes
    assert not others
    rows, columns = np.nonzero(held[..., 0] == 255)
    assert (left + right) / 2 == pytest.approx(columns.mean(), abs=12)
    assert (top + bottom) / 2 == pytest.approx(rows.mean(), abs=12)


def test_a_sure_face_saves_turning_the_picture() -> None:
    calls = []

    def counting(images: np.ndarray) -> list[np.ndarray]:
        calls.append(images.shape)
        return bright_spots(images)

    pixels = np.zeros((240, 320, 3), dtype=np.uint8)
    pixels[100:120, 60:80] = 255
    look(FaceDetector(session(counting), SPEC), pixels, DetectorMode.ACCURATE, 0.5, 9)
    assert len(calls) == 2


def test_what_only_the_larger_input_shows_is_left_out_if_the_smaller_could_have_seen_it() -> None:
    def far_sighted(scale: float) -> Callable[[np.ndarray], list[np.ndarray]]:
        def see(images: np.ndarray) -> list[np.ndarray]:
            scores, boxes, landmarks = bright_spots(images)
            return [scores * (images.shape[2] > 320), boxes * np.float32(scale), landmarks]

        return see

    pixels = np.zeros((480, 640, 3), dtype=np.uint8)
    pixels[200:220, 300:320] = 255
    for scale, seen in ((1.0, False), (0.5, True)):  # 49 and 24 px
        detector = FaceDetector(session(far_sighted(scale)), SPEC)
        assert bool(len(look(detector, pixels, DetectorMode.ACCURATE, 0.5, 9).boxes)) == seen


def test_a_face_is_not_inside_another_face() -> None:
    def two_sizes(images: np.ndarray) -> list[np.ndarray]:
        scores, boxes, landmarks = bright_spots(images)
        return [scores, boxes * (1.5 if images.shape[2] > 320 else 0.5), landmarks]

    detector = FaceDetector(session(two_sizes), SPEC)
    pixels = np.zeros((480, 640, 3), dtype=np.uint8)
    pixels[200:220, 300:320] = 255
    assert len(look(detector, pixels, DetectorMode.ACCURATE, 0.5, 9).boxes) == 1


@pytest.mark.parametrize("mode", list(DetectorMode))
def test_fewer_faces_are_the_first_of_all_faces(mode: DetectorMode) -> None:
    def of_many_minds(images: np.ndarray) -> list[np.ndarray]:
        scores, boxes, landmarks = bright_spots(images)
        # The surest at one input is the least sure at the other, which must bear it out.
        columns = np.linspace(0.6, 1, scores.shape[1], dtype=np.float32)
        ranks = columns if images.shape[2] > 320 else columns[::-1]
        return [scores * ranks, boxes * np.float32(images.shape[2] / 640), landmarks]

    pixels = np.zeros((480, 640, 3), dtype=np.uint8)
    for x in (60, 220, 380, 540):
        pixels[100:120, x : x + 20] = 255
        pixels[350:370, x : x + 20] = 255
    detector = FaceDetector(session(of_many_minds), SPEC)
    every = look(detector, pixels, mode, 0.5, 1000)
    assert len(every.boxes) == 8
    for most in range(1, 8):
        assert look(detector, pixels, mode, 0.5, most).boxes.tolist() == every.boxes[:most].tolist()


def leaning_spots(images: np.ndarray) -> list[np.ndarray]:
    """As ``bright_spots``, of the larger input only: faces too small to need a witness, 4 px too far to the right."""
    scores, boxes, landmarks = bright_spots(images)
    if max(images.shape[1:3]) < 640:
        scores = scores * np.float32(0.5)
    return [scores, boxes / 2 + np.asarray([-4, 0, 4, 0], dtype=np.float32), landmarks]


def test_fast_looks_closer_before_it_says_that_there_is_no_face() -> None:
    detector = FaceDetector(session(leaning_spots), SPEC)
    pixels = small_face(640, 480, 300, 200)
    assert detector.find(pixels, 320, 0.5, 10).scores.size == 0
    (box,) = look(detector, pixels, DetectorMode.FAST, 0.5, 10).boxes
    # What leans one way in the picture leans the other way in its mirror image: the mean stands upright.
    assert (box[0] + box[2]) / 2 == pytest.approx(300, abs=3)
    assert (box[1] + box[3]) / 2 == pytest.approx(200, abs=5)


def test_the_closer_look_is_held_to_the_stricter_threshold() -> None:
    detector = FaceDetector(session(leaning_spots), replace(SPEC, accurate_threshold=0.95, agreed_threshold=0.95))
    assert look(detector, small_face(640, 480, 300, 200), DetectorMode.FAST, 0.5, 10).scores.size == 0
