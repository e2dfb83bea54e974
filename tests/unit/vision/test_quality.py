import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from mien.domain import Box
from mien.vision import quality
from tests.unit.vision.one_face import assess

FRONTAL = np.asarray([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], dtype=np.float32)
PICTURE = Box(0, 0, 200, 200)
BOX = np.asarray([10, 10, 90, 110], dtype=np.float32)


def textured(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(40, 215, (12, 12)).astype(np.uint8)
    return cv2.resize(noise, (48, 48), interpolation=cv2.INTER_CUBIC)


def test_a_good_face_is_ok_and_has_no_reasons() -> None:
    quality = assess(textured(), BOX, FRONTAL, PICTURE)
    assert quality.ok
    assert quality.reasons == ()
    assert quality.size == 80
    assert quality.pose == pytest.approx(0)


def test_blur_lowers_sharpness() -> None:
    sharp = textured()
    soft = cv2.GaussianBlur(sharp, (0, 0), 4)
    assert assess(soft, BOX, FRONTAL, PICTURE).sharpness < 0.5 * assess(sharp, BOX, FRONTAL, PICTURE).sharpness
    assert "blurred" in assess(soft, BOX, FRONTAL, PICTURE).reasons


@pytest.mark.parametrize(("level", "reason"), [(0.05, "dark"), (0.97, "bright")])
def test_light(level: float, reason: str) -> None:
    crop = np.full((48, 48), round(level * 255), np.uint8)
    quality = assess(crop, BOX, FRONTAL, PICTURE)
    assert reason in quality.reasons
    assert quality.brightness == pytest.approx(level, abs=0.01)
    assert not quality.ok


def test_a_nose_beside_the_eyes_is_a_turned_head_whatever_the_roll() -> None:
    turned = FRONTAL.copy()
    turned[2] = [74, 60]
    assert assess(textured(), BOX, turned, PICTURE).pose == pytest.approx(0.6)
    angle = np.deg2rad(35)
    rotation = np.asarray([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], dtype=np.float32)
    quality = assess(textured(), BOX, turned @ rotation.T, PICTURE)
    assert quality.pose == pytest.approx(0.6, abs=1e-3)
    assert "turned" in quality.reasons


def test_eyes_in_one_place_do_not_divide_by_zero() -> None:
    assert assess(textured(), BOX, np.full((5, 2), 50, np.float32), PICTURE).pose == 1.0


def test_small_faces_are_reported_as_small() -> None:
    small = assess(textured(), np.asarray([10, 10, 30, 40], np.float32), FRONTAL, PICTURE)
    assert small.reasons == ("small",)


@pytest.mark.parametrize(
    ("x", "y", "reasons"),
    [
        (-20, 0, ("cut",)),
        (120, 0, ("cut",)),
        (0, -26, ("cut",)),
        (0, 106, ("cut",)),
        (-10, -10, ()),  # a tight portrait: its box ends where the picture does
        (110, 90, ()),
    ],
)
def test_a_face_whose_features_are_at_the_border_is_cut(x: float, y: float, reasons: tuple[str, ...]) -> None:
    moved = np.asarray([x, y], np.float32)
    assert assess(textured(), BOX + np.tile(moved, 2), FRONTAL + moved, PICTURE).reasons == reasons


def test_eyes_close_together_are_a_turned_head_even_with_the_nose_between_them() -> None:
    profile = FRONTAL.copy()
    profile[:2, 0] = [39, 61]  # 22 of the 80 px of the box
    quality = assess(textured(), BOX, profile, PICTURE)
    assert quality.pose == pytest.approx(0)
    assert quality.reasons == ("turned",)
    profile[:2, 0] = [37, 63]
    assert assess(textured(), BOX, profile, PICTURE).ok


def astronauts_face() -> np.ndarray:
    """The crop of a sharp, frontal face, larger than the classifier's: ``uint8 [192, 192]``."""
    grey = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey[55:175, 165:285], (192, 192), interpolation=cv2.INTER_CUBIC)


def moved_by(length: int, degrees: float) -> np.ndarray:
    """The kernel of a camera that moves by so many pixels, ``float32 [length, length]`` or so."""
    fine = np.zeros((8 * length, 8 * length), np.float32)
    middle, reach = (8 * length - 1) / 2, 4 * length
    x, y = reach * np.cos(np.deg2rad(degrees)), reach * np.sin(np.deg2rad(degrees))
    ends = [(round(middle + sign * x), round(middle + sign * y)) for sign in (-1, 1)]
    cv2.line(fine, ends[0], ends[1], 1.0, 8)
    kernel = cv2.resize(fine, (length, length), interpolation=cv2.INTER_AREA)
    return kernel / kernel.sum()


@pytest.mark.parametrize("degrees", [0, 20, 45, 70, 90, 120, 160])
@pytest.mark.parametrize("length", [37, 47])  # of 192 px
def test_motion_blurs_a_face_in_any_direction(length: int, degrees: float) -> None:
    blurred = cv2.filter2D(astronauts_face(), -1, moved_by(length, degrees))
    crop = cv2.resize(blurred, (48, 48), interpolation=cv2.INTER_AREA)
    quality = assess(crop, BOX, FRONTAL, PICTURE)
    assert quality.reasons == ("blurred",)
    assert quality.sharpness > 0.15  # which by itself does not tell


@pytest.mark.parametrize("degrees", [0, 30, 90])
def test_a_sharp_face_is_sharp_at_any_rotation(degrees: float) -> None:
    face = astronauts_face()
    matrix = cv2.getRotationMatrix2D((96, 96), degrees, 1)
    turned = cv2.warpAffine(face, matrix, (192, 192), borderMode=cv2.BORDER_REFLECT)
    assert assess(cv2.resize(turned, (48, 48), interpolation=cv2.INTER_AREA), BOX, FRONTAL, PICTURE).ok


def test_a_face_whose_way_up_is_doubtful_is_turned_unless_something_else_explains_the_doubt() -> None:
    sharp = cv2.resize(astronauts_face(), (48, 48), interpolation=cv2.INTER_AREA)
    assert assess(sharp, BOX, FRONTAL, PICTURE, doubtful=True).reasons == ("turned",)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 4)
    assert assess(blurred, BOX, FRONTAL, PICTURE, doubtful=True).reasons == ("blurred",)


def test_faces_are_judged_alike_alone_and_together() -> None:
    crops = [textured(seed) for seed in range(5)] + [np.full((48, 48), 9, np.uint8)]
    boxes = np.stack([BOX + 3 * number for number in range(6)])
    landmarks = np.stack([FRONTAL + np.float32(4 * number) for number in range(6)])
    together = quality.assess(crops, boxes, landmarks, PICTURE, np.zeros(6, np.bool_))
    alone = [assess(*face, PICTURE) for face in zip(crops, boxes, landmarks, strict=True)]
    assert together == alone


def test_no_faces_have_no_quality() -> None:
    nothing = np.zeros((0, 4), np.float32), np.zeros((0, 5, 2), np.float32)
    assert quality.assess([], *nothing, PICTURE, np.zeros(0, np.bool_)) == []
