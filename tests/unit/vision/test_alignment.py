import math

import cv2
import numpy as np
import pytest

from mien.vision import alignment
from mien.vision.alignment import CropSquare, crop_square, crop_tile, roll_of, tile_square

UPRIGHT = np.asarray([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], dtype=np.float32)


def turned(points: np.ndarray, degrees: float, centre: tuple[float, float] = (50, 60)) -> np.ndarray:
    """Points turned clockwise, as seen with y down."""
    angle = math.radians(degrees)
    rotation = np.asarray([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return ((points - centre) @ rotation.T + centre).astype(np.float32)


def upright(x: float, y: float, side: float) -> CropSquare:
    """A square given by its corner."""
    return CropSquare(x + side / 2, y + side / 2, side, 0.0)


def test_a_box_where_the_tiles_have_it_gives_the_tile_back() -> None:
    side, x, y = 200.0, 40.0, 30.0
    left = x + (alignment.BOX_IN_TILE_CENTRE_X - alignment.BOX_IN_TILE_WIDTH / 2) * side
    top = y + (alignment.BOX_IN_TILE_CENTRE_Y - alignment.BOX_IN_TILE_HEIGHT / 2) * side
    box = [left, top, left + alignment.BOX_IN_TILE_WIDTH * side, top + alignment.BOX_IN_TILE_HEIGHT * side]
    square = tile_square(np.asarray(box, dtype=np.float32), UPRIGHT)
    assert (square.x, square.y, square.side, square.roll) == pytest.approx((140, 130, side, 0), abs=1e-3)


@pytest.mark.parametrize(("degrees", "x", "y"), [(0, 50, 40), (90, 70, 60), (180, 50, 80), (-90, 30, 60)])
def test_a_tighter_square_lies_further_up_the_face_however_that_is_turned(degrees: float, x: float, y: float) -> None:
    square = CropSquare(50, 60, 100, degrees).tighter(0.9, 0.2)
    assert (square.x, square.y, square.side, square.roll) == pytest.approx((x, y, 90, degrees))


def test_the_crop_is_a_little_tighter_than_the_tile_and_inside_it() -> None:
    box = np.asarray([10, 10, 90, 110], dtype=np.float32)
    tile, crop = tile_square(box, UPRIGHT), crop_square(box, UPRIGHT)
    assert 0.85 < crop.side / tile.side < 1
    assert abs(crop.x - tile.x) + crop.side / 2 <= tile.side / 2
    assert abs(crop.y - tile.y) + crop.side / 2 <= tile.side / 2


def test_the_square_scales_with_the_box() -> None:
    box = np.asarray([10, 10, 50, 70], dtype=np.float32)
    one, two = crop_square(box, UPRIGHT), crop_square(box * 2, UPRIGHT * 2)
    scaled = one.scaled(2)
    assert (two.x, two.y, two.side) == pytest.approx((scaled.x, scaled.y, scaled.side), rel=1e-5)


@pytest.mark.parametrize("degrees", [-170, -90, -30, -5, 0, 12, 45, 90, 179])
def test_roll_is_the_turn_of_the_face(degrees: float) -> None:
    assert roll_of(turned(UPRIGHT, degrees)) == pytest.approx(degrees, abs=1e-3)


def test_a_face_keeps_the_lean_that_tiles_have_and_loses_the_rest() -> None:
    box = np.asarray([10, 10, 90, 110], dtype=np.float32)
    for degrees in (-7, 0, 5):
        assert crop_square(box, turned(UPRIGHT, degrees)).roll == pytest.approx(0, abs=1e-3)
    assert crop_square(box, turned(UPRIGHT, 40)).roll == pytest.approx(40 - alignment.LEAN, abs=1e-3)
    assert crop_square(box, turned(UPRIGHT, -90)).roll == pytest.approx(-90 + alignment.LEAN, abs=1e-3)


def test_a_profile_whose_eyes_coincide_still_has_a_roll() -> None:
    profile = np.asarray([[50, 40], [50.5, 40], [30, 60], [48, 80], [49, 80]], dtype=np.float32)
    assert roll_of(turned(profile, 20)) == pytest.approx(20, abs=4)


def test_a_crop_of_tile_size_is_the_grey_pixels_themselves() -> None:
    grey = np.random.default_rng(1).integers(0, 255, (100, 120)).astype(np.uint8)
    tile = crop_tile(np.repeat(grey[..., None], 3, axis=2), upright(30, 20, 48))
    assert (tile == grey[20:68, 30:78]).all()


def test_large_faces_are_averaged_not_sampled() -> None:
    noise = np.random.default_rng(3).integers(0, 2, (480, 480, 1)).astype(np.uint8) * 255
    tile = crop_tile(np.repeat(noise, 3, axis=2), upright(0, 0, 480))
    assert tile.std() < 20  # a sampled one has 127
    assert tile.mean() == pytest.approx(noise.mean(), abs=1)


def test_a_turned_face_is_set_level() -> None:
    """A dark bar across the middle of a face comes out level whatever the turn."""
    upright_picture = np.full((200, 200, 3), 200, dtype=np.uint8)
    upright_picture[95:105, 60:140] = 20
    level = crop_tile(upright_picture, CropSquare(100, 100, 96, 0)).astype(int)
    for degrees in (-40, 25, 90):
        matrix = cv2.getRotationMatrix2D((99.5, 99.5), -degrees, 1)
        picture = cv2.warpAffine(upright_picture, matrix, (200, 200), borderMode=cv2.BORDER_REPLICATE)
        assert np.abs(crop_tile(picture, CropSquare(100, 100, 96, degrees)).astype(int) - level).mean() < 3


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
def test_past_the_border_the_border_goes_on(square: CropSquare) -> None:
    tile = crop_tile(np.full((80, 100, 3), 90, dtype=np.uint8), square)
    assert tile.shape == (48, 48)
    assert (tile == 90).all()


@pytest.mark.parametrize("roll", [0.0, 17.0])
def test_the_crop_of_a_shifted_picture_is_the_same(roll: float) -> None:
    pixels = np.random.default_rng(2).integers(0, 255, (90, 90, 3)).astype(np.uint8)
    moved = np.roll(pixels, (7, 11), axis=(0, 1))
    one, other = crop_tile(pixels, CropSquare(35, 35, 30, roll)), crop_tile(moved, CropSquare(46, 42, 30, roll))
    assert np.abs(one.astype(int) - other).max() <= 1
