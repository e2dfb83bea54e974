"""Faces of other sizes go through the service's own crop."""

import cv2
import numpy as np
import pytest

from training.emotion import perturb


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    """Smooth pictures [3, 48, 48], as faces are: noise would not survive any resampling."""
    noise = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    blurred = [cv2.GaussianBlur(image, (0, 0), 3) for image in noise]
    return np.stack([np.asarray(cv2.normalize(b, None, 0, 255, cv2.NORM_MINMAX), dtype=np.uint8) for b in blurred])


def test_a_face_of_the_tile_s_own_size_comes_back_as_it_was(faces: np.ndarray):
    assert (perturb.photographed(faces, 48) == faces).all()


@pytest.mark.parametrize("side", [96, 200, 400])
def test_a_large_face_comes_back_nearly_as_it_was(faces: np.ndarray, side: int):
    back = perturb.photographed(faces, side)
    assert back.shape == faces.shape
    assert np.abs(back.astype(int) - faces).mean() < 3


def test_the_smaller_the_face_the_more_is_lost(faces: np.ndarray):
    lost = [np.abs(perturb.photographed(faces, side).astype(int) - faces).mean() for side in (16, 24, 40)]
    assert lost[0] > lost[1] > lost[2] > 0
