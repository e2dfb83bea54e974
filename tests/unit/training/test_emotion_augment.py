"""Views: their shape, their determinism, and the geometry of mirrors and shifts."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from training.emotion import perturb
from training.emotion.augment import AugmentConfig, augment, augment_batch, resized

STILL = AugmentConfig(
    flip=0, shift=0, scale=(1, 1), rotate=0, gamma=(1, 1), contrast=(1, 1), brightness=0,
    blur=0, resample=0, jpeg=0, noise=0, erase=0,
)  # fmt: skip


@pytest.fixture
def faces() -> np.ndarray:
    ramp = np.add.outer(np.arange(48) * 2, np.arange(48)).astype(np.uint8)
    return np.stack([ramp, 255 - ramp, ramp.T.copy()])


def test_views_are_pictures_of_the_same_shape(faces: np.ndarray):
    everything = AugmentConfig(blur=1, resample=1, jpeg=1, noise=1, erase=1)
    views = augment_batch(faces, everything, np.random.default_rng(0))
    assert views.shape == faces.shape
    assert views.dtype == np.uint8


def test_a_view_is_a_function_of_the_seed(faces: np.ndarray):
    once, again, other = (augment_batch(faces, AugmentConfig(), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (once == again).all()
    assert (once != other).any()


def test_with_everything_off_a_view_is_the_picture(faces: np.ndarray):
    assert (augment(faces[0], STILL, np.random.default_rng(0)) == faces[0]).all()


def test_a_flip_is_an_exact_mirror(faces: np.ndarray):
    view = augment(faces[0], replace(STILL, flip=1.0), np.random.default_rng(0))
    assert (view == faces[0][:, ::-1]).all()


def test_the_source_is_never_changed(faces: np.ndarray):
    before = faces.copy()
    augment_batch(faces, AugmentConfig(erase=1, noise=1), np.random.default_rng(0))
    assert (faces == before).all()


@pytest.mark.parametrize("name", perturb.CHANGES)
def test_perturbations_keep_shape_and_repeat_exactly(name: str, faces: np.ndarray):
    change = perturb.CHANGES[name]
    first, second = change(faces), change(faces)
    assert first.shape == faces.shape
    assert first.dtype == np.uint8
    assert (first == second).all()
    assert name == "face_96px_cropped" or (first != faces).any()  # a ramp survives enlargement


def test_a_wider_crop_makes_the_face_smaller():
    face = np.zeros((1, 48, 48), dtype=np.uint8)
    face[0, 12:36, 12:36] = 255
    assert perturb.crop_scale(face, 1.3).sum() < face.sum() < perturb.crop_scale(face, 0.8).sum()


def test_small_views_keep_the_mean_grey_and_a_full_size_is_left_alone():
    images = np.random.default_rng(1).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    small = resized(images, 36)
    assert small.shape == (3, 36, 36)
    np.testing.assert_allclose(small.mean(axis=(1, 2)), images.mean(axis=(1, 2)), atol=1.0)
    assert resized(images, 48) is images


def test_a_calm_view_moves_half_as_far_and_covers_nothing():
    wild = AugmentConfig()
    calm = wild.calmer()
    assert (calm.erase, calm.shift, calm.rotate) == (0.0, wild.shift / 2, wild.rotate / 2)
    assert calm.scale == pytest.approx((wild.scale[0] ** 0.5, wild.scale[1] ** 0.5))
    assert (calm.jpeg, calm.blur, calm.resample) == (wild.jpeg, wild.blur, wild.resample)


def smooth_faces() -> np.ndarray:
    """Pictures [3, 48, 48] as smooth as faces are: noise would not survive any resampling."""
    noise = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    blurred = [cv2.GaussianBlur(image, (0, 0), 3) for image in noise]
    return np.stack([np.asarray(cv2.normalize(b, None, 0, 255, cv2.NORM_MINMAX), dtype=np.uint8) for b in blurred])


def test_a_face_of_48_px_comes_back_from_the_services_crop_as_it_was():
    assert (perturb.photographed(smooth_faces(), 48) == smooth_faces()).all()


def test_the_smaller_the_face_the_more_is_lost_and_a_large_one_loses_little():
    faces = smooth_faces()
    lost = [np.abs(perturb.photographed(faces, side).astype(int) - faces).mean() for side in (16, 24, 40, 200)]
    assert lost[0] > lost[1] > lost[2] > 0
    assert lost[3] < 3
