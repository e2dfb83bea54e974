"""Views: their shape, their determinism, and the geometry of mirrors and shifts."""

from dataclasses import replace

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


def test_a_bent_face_is_another_one_in_the_same_place():
    ramp = np.repeat(np.arange(48, dtype=np.uint8)[None] * 5, 48, axis=0)  # 5 grey levels a pixel: moves can be read
    bent = [augment(ramp, replace(STILL, bend=0.02), np.random.default_rng(seed)) for seed in range(60)]
    moved = (np.stack(bent).astype(float) - ramp)[:, 6:-6, 6:-6] / 5  # px
    assert 0.5 < moved.std() < 1.2  # 0.02 sides are 0.96 px at the parts, less between them
    assert abs(moved.mean()) < 0.1
    assert np.abs(np.diff(moved, axis=1)).max() < 0.8  # smooth: neighbours move together
    assert moved.mean(axis=(1, 2)).std() < moved.std() / 1.5  # more than a shift of the whole


def test_a_stretched_disc_keeps_its_area_and_its_middle():
    y, x = np.mgrid[:48, :48] - 23.5
    disc = (255 * (np.hypot(x, y) < 12)).astype(np.uint8)
    inside = np.hypot(x, y) < 18  # what lies outside may be the fill of the border
    for seed in range(20):
        view = augment(disc, replace(STILL, stretch=0.2), np.random.default_rng(seed)) * inside / disc.sum()
        assert view.sum() == pytest.approx(1, abs=0.02)
        assert [(view * x).sum(), (view * y).sum()] == pytest.approx([0, 0], abs=0.1)
        spread = np.linalg.eigvalsh(np.cov(np.stack([x.ravel(), y.ravel()]), aweights=view.ravel()))
        assert 1 <= (spread[1] / spread[0]) ** 0.5 < np.exp(2 * 0.2) + 0.02  # longer by up to e^0.2, narrower as much


def test_shade_changes_the_light_and_moves_nothing(faces: np.ndarray):
    grey = np.full((48, 48), 120, dtype=np.uint8)
    shaded = [augment(grey, replace(STILL, shade=0.2), np.random.default_rng(seed)) for seed in range(60)]
    light = np.log(np.stack(shaded) / 120)
    assert 0.1 < light.std() < 0.25
    assert np.abs(np.diff(light, axis=2)).max() < 0.12
    plain = augment(faces[0], replace(STILL, flip=1.0), np.random.default_rng(0))
    lit = augment(faces[0], replace(STILL, flip=1.0, shade=1e-6), np.random.default_rng(0))
    assert (plain == lit).all()


def test_the_source_is_never_changed(faces: np.ndarray):
    before = faces.copy()
    augment_batch(faces, AugmentConfig(erase=1, noise=1), np.random.default_rng(0))
    assert (faces == before).all()


@pytest.mark.parametrize("name", perturb.ROBUSTNESS)
def test_perturbations_keep_shape_and_repeat_exactly(name: str, faces: np.ndarray):
    change = perturb.ROBUSTNESS[name]
    first, second = change(faces), change(faces)
    assert first.shape == faces.shape
    assert first.dtype == np.uint8
    assert (first == second).all()
    assert (first != faces).any()


def test_a_wider_crop_makes_the_face_smaller():
    face = np.zeros((1, 48, 48), dtype=np.uint8)
    face[0, 12:36, 12:36] = 255
    assert perturb.crop_scale(face, 1.3).sum() < face.sum() < perturb.crop_scale(face, 0.8).sum()


def test_the_mirror_of_the_mirror_is_the_face(faces: np.ndarray):
    assert (perturb.mirror(perturb.mirror(faces)) == faces).all()


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
    bent = AugmentConfig(stretch=0.2, bend=0.02).calmer()
    assert (bent.stretch, bent.bend) == (0.1, 0.01)
    assert calm.scale == pytest.approx((wild.scale[0] ** 0.5, wild.scale[1] ** 0.5))
    assert (calm.jpeg, calm.blur, calm.resample) == (wild.jpeg, wild.blur, wild.resample)
