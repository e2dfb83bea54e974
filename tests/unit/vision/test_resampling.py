from collections.abc import Callable

import numpy as np
import pytest

from mien.vision.resampling import sample, shrink


@pytest.mark.parametrize("smaller", [sample, shrink])
@pytest.mark.parametrize("length", [600, 601, 604])
@pytest.mark.parametrize(("width", "height"), [(590, 390), (300, 200), (299, 199), (75, 50), (9, 6)])
def test_a_gradient_keeps_its_position(
    smaller: Callable[[np.ndarray, int, int], np.ndarray], length: int, width: int, height: int
) -> None:
    slope = np.linspace(0, 255, length)
    pixels = np.repeat(np.tile(slope, (400, 1)).astype(np.uint8)[..., None], 3, axis=2)
    small = smaller(pixels, width, height)
    assert small.shape == (height, width, 3)
    centres = (np.arange(width) + 0.5) / width * length - 0.5
    np.testing.assert_allclose(small[height // 2, :, 0], np.interp(centres, np.arange(length), slope), atol=1.6)


def test_a_chequerboard_becomes_grey_and_not_another_pattern() -> None:
    board = (np.indices((512, 512)).sum(axis=0) % 2 * 255).astype(np.uint8)
    small = shrink(np.repeat(board[..., None], 3, axis=2), 100, 100)
    assert small.min() >= 126
    assert small.max() <= 129


def test_a_picture_of_the_right_size_is_not_changed() -> None:
    pixels = np.zeros((4, 5, 3), dtype=np.uint8)
    assert shrink(pixels, 5, 4) is pixels


@pytest.mark.parametrize("width", [310, 400, 590, 150, 100])
def test_sample_skips_no_pixel(width: int) -> None:
    # A white line a pixel wide stays seen at every place, at whatever size.
    for at in range(200, 216):
        pixels = np.zeros((600, 600, 3), dtype=np.uint8)
        pixels[:, at] = 255
        small = sample(pixels, width, width)
        assert small[width // 2, :, 0].astype(int).sum() >= 255 * width / 600 * 0.4
