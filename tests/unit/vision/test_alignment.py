import numpy as np
import pytest

from service.domain import Box
from service.vision import alignment
from service.vision.alignment import crop_region, crop_tile


def test_a_box_where_the_tiles_have_it_gives_the_tile_back() -> None:
    side, x, y = 200.0, 40.0, 30.0
    left = x + (alignment.BOX_IN_TILE_CENTRE_X - alignment.BOX_IN_TILE_WIDTH / 2) * side
    top = y + (alignment.BOX_IN_TILE_CENTRE_Y - alignment.BOX_IN_TILE_HEIGHT / 2) * side
    box = [left, top, left + alignment.BOX_IN_TILE_WIDTH * side, top + alignment.BOX_IN_TILE_HEIGHT * side]
    region = crop_region(np.asarray(box, dtype=np.float32))
    assert (region.x, region.y, region.width, region.height) == pytest.approx((x, y, side, side), abs=1e-3)


def test_the_region_is_square_and_scales_with_the_box() -> None:
    one = crop_region(np.asarray([10, 10, 50, 70], dtype=np.float32))
    two = crop_region(np.asarray([20, 20, 100, 140], dtype=np.float32))
    assert one.width == one.height
    assert (two.x, two.y, two.width) == pytest.approx((2 * one.x, 2 * one.y, 2 * one.width), rel=1e-5)


def test_a_crop_of_tile_size_is_the_grey_pixels_themselves() -> None:
    grey = np.random.default_rng(1).integers(0, 255, (100, 120)).astype(np.uint8)
    tile = crop_tile(np.repeat(grey[..., None], 3, axis=2), Box(30, 20, 48, 48))
    assert (tile == grey[20:68, 30:78]).all()


def test_large_faces_are_averaged_not_sampled() -> None:
    stripes = np.zeros((480, 480, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    tile = crop_tile(stripes, Box(0, 0, 480, 480))
    assert tile.std() < 1
    assert tile.mean() == pytest.approx(127.5, abs=1)


@pytest.mark.parametrize(
    "region",
    [Box(-20, -20, 60, 60), Box(80, 60, 60, 60), Box(-50, -40, 200, 200), Box(0, 0, 0.2, 0.2), Box(99, 79, 1, 1)],
)
def test_past_the_border_the_border_goes_on(region: Box) -> None:
    pixels = np.full((80, 100, 3), 90, dtype=np.uint8)
    tile = crop_tile(pixels, region)
    assert tile.shape == (48, 48)
    assert (tile == 90).all()


def test_the_crop_of_a_shifted_picture_is_the_same() -> None:
    pixels = np.random.default_rng(2).integers(0, 255, (90, 90, 3)).astype(np.uint8)
    moved = np.roll(pixels, (7, 11), axis=(0, 1))
    assert (crop_tile(pixels, Box(20, 20, 30, 30)) == crop_tile(moved, Box(31, 27, 30, 30))).all()
