import math

import cv2
import numpy as np
import pytest

from mien.vision import alignment
from mien.vision.alignment import CropSquare, crop_face, crop_square, fer_square, roll_of

UPRIGHT = np.asarray([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], dtype=np.float32)


def rotated(points: np.ndarray, degrees: float, centre: tuple[float, float] = (50, 60)) -> np.ndarray:
    """Points rotated clockwise, as seen with y down."""
    angle = math.radians(degrees)
    rotation = np.asarray([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return ((points - centre) @ rotation.T + centre).astype(np.float32)


def upright(x: float, y: float, side: float) -> CropSquare:
    """A square given by its corner."""
    return CropSquare(x + side / 2, y + side / 2, side, 0.0)


def test_a_box_positioned_as_in_fer_images_gives_the_image() -> None:
    side, x, y = 200.0, 40.0, 30.0
    left = x + (alignment.FER_BOX_CENTRE_X - alignment.FER_BOX_WIDTH / 2) * side
    top = y + (alignment.FER_BOX_CENTRE_Y - alignment.FER_BOX_HEIGHT / 2) * side
    box = [left, top, left + alignment.FER_BOX_WIDTH * side, top + alignment.FER_BOX_HEIGHT * side]
    square = fer_square(np.asarray(box, dtype=np.float32), UPRIGHT)
    assert (square.x, square.y, square.side, square.roll) == pytest.approx((140, 130, side, 0), abs=1e-3)


@pytest.mark.parametrize(("degrees", "x", "y"), [(0, 50, 40), (90, 70, 60), (180, 50, 80), (-90, 30, 60)])
def test_a_raised_square_moves_up_the_face_whatever_its_roll(degrees: float, x: float, y: float) -> None:
    square = CropSquare(50, 60, 100, degrees).resized(0.9, 0.2)
    assert (square.x, square.y, square.side, square.roll) == pytest.approx((x, y, 90, degrees))


def test_the_crop_is_slightly_tighter_than_a_fer_image_and_inside_it() -> None:
    box = np.asarray([10, 10, 90, 110], dtype=np.float32)
    square, crop = fer_square(box, UPRIGHT), crop_square(box, UPRIGHT)
    assert 0.85 < crop.side / square.side < 1
    assert abs(crop.x - square.x) + crop.side / 2 <= square.side / 2
    assert abs(crop.y - square.y) + crop.side / 2 <= square.side / 2


def test_the_square_scales_with_the_box() -> None:
    box = np.asarray([10, 10, 50, 70], dtype=np.float32)
    one, two = crop_square(box, UPRIGHT), crop_square(box * 2, UPRIGHT * 2)
    scaled = one.scaled(2)
    assert (two.x, two.y, two.side) == pytest.approx((scaled.x, scaled.y, scaled.side), rel=1e-5)


@pytest.mark.parametrize("degrees", [-170, -90, -30, -5, 0, 12, 45, 90, 179])
def test_roll_is_the_rotation_of_the_face(degrees: float) -> None:
    assert roll_of(rotated(UPRIGHT, degrees)) == pytest.approx(degrees, abs=1e-3)


def test_only_roll_beyond_that_of_fer_images_is_removed() -> None:
    box = np.asarray([10, 10, 90, 110], dtype=np.float32)
    for degrees in (-7, 0, 5):
        assert crop_square(box, rotated(UPRIGHT, degrees)).roll == pytest.approx(0, abs=1e-3)
    assert crop_square(box, rotated(UPRIGHT, 40)).roll == pytest.approx(40 - alignment.KEPT_ROLL, abs=1e-3)
    assert crop_square(box, rotated(UPRIGHT, -90)).roll == pytest.approx(-90 + alignment.KEPT_ROLL, abs=1e-3)


def test_a_profile_whose_eyes_coincide_still_has_a_roll() -> None:
    profile = np.asarray([[50, 40], [50.5, 40], [30, 60], [48, 80], [49, 80]], dtype=np.float32)
    assert roll_of(rotated(profile, 20)) == pytest.approx(20, abs=4)


def test_a_crop_at_its_own_size_is_the_grey_pixels_themselves() -> None:
    grey = np.random.default_rng(1).integers(0, 255, (100, 120)).astype(np.uint8)
    crop = crop_face(np.repeat(grey[..., None], 3, axis=2), upright(30, 20, 48))
    assert (crop == grey[20:68, 30:78]).all()


def test_large_faces_are_averaged_not_sampled() -> None:
    noise = np.random.default_rng(3).integers(0, 2, (480, 480, 1)).astype(np.uint8) * 255
    crop = crop_face(np.repeat(noise, 3, axis=2), upright(0, 0, 480))
    assert crop.std() < 20  # a sampled one has 127
    assert crop.mean() == pytest.approx(noise.mean(), abs=1)


def test_a_rotated_face_is_levelled() -> None:
    """A dark bar across the middle of a face comes out level whatever the rotation."""
    upright_picture = np.full((200, 200, 3), 200, dtype=np.uint8)
    upright_picture[95:105, 60:140] = 20
    level = crop_face(upright_picture, CropSquare(100, 100, 96, 0)).astype(int)
    for degrees in (-40, 25, 90):
        matrix = cv2.getRotationMatrix2D((99.5, 99.5), -degrees, 1)
        picture = cv2.warpAffine(upright_picture, matrix, (200, 200), borderMode=cv2.BORDER_REPLICATE)
        assert np.abs(crop_face(picture, CropSquare(100, 100, 96, degrees)).astype(int) - level).mean() < 3


@pytest.mark.parametrize(
    "square",
    [
        upright(-20, -20, 60),
        upright(80, 60, 60),
        upright(-50, -40, 200),
        upright(0, 0, 0.2),
        upright(99, 79, 1),
        CropSquare(99.9, 79.9, 80, 33),
    ],
)
def test_pixels_past_the_border_repeat_it(square: CropSquare) -> None:
    crop = crop_face(np.full((80, 100, 3), 90, dtype=np.uint8), square)
    assert crop.shape == (48, 48)
    assert (crop == 90).all()


@pytest.mark.parametrize("roll", [0.0, 17.0])
def test_the_crop_of_a_shifted_picture_is_the_same(roll: float) -> None:
    pixels = np.random.default_rng(2).integers(0, 255, (90, 90, 3)).astype(np.uint8)
    moved = np.roll(pixels, (7, 11), axis=(0, 1))
    one, other = crop_face(pixels, CropSquare(35, 35, 30, roll)), crop_face(moved, CropSquare(46, 42, 30, roll))
    assert np.abs(one.astype(int) - other).max() <= 1
