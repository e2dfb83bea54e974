"""Labels of a mixed view follow what is seen in it."""

import numpy as np
import pytest

from training.emotion.mixing import MixConfig, Pairs, mix
from training.emotion.targets import Targets

ALWAYS = MixConfig(chance=1.0)


def flat_views(count: int = 64) -> np.ndarray:
    """View i is all grey level 3i, so that a pixel tells whose it is."""
    return np.repeat(np.arange(count, dtype=np.uint8) * 3, 48 * 48).reshape(count, 48, 48)


@pytest.mark.parametrize("seed", range(8))  # both ways of mixing are among them
def test_the_share_is_what_is_seen(seed: int):
    views = flat_views()
    mixed, pairs = mix(views, ALWAYS, np.random.default_rng(seed))
    assert pairs is not None
    share = pairs.share[:, None, None]
    wanted = (share * views + (1 - share) * views[pairs.other]).mean(axis=(1, 2))
    np.testing.assert_allclose(mixed.mean(axis=(1, 2)), wanted, atol=0.51)
    assert (pairs.share >= 0.5).all()


def test_both_ways_occur():
    views = flat_views()
    blended = [
        bool(np.setdiff1d(mixed[0], [views[0, 0, 0], views[pairs.other[0], 0, 0]]).size)
        for mixed, pairs in (mix(views, ALWAYS, np.random.default_rng(seed)) for seed in range(20))
        if pairs is not None and pairs.other[0] != 0
    ]
    assert any(blended)
    assert not all(blended)


def test_no_chance_leaves_the_views_alone():
    views = flat_views()
    mixed, pairs = mix(views, MixConfig(chance=0.0), np.random.default_rng(0))
    assert pairs is None
    np.testing.assert_array_equal(mixed, views)


def test_labels_count_as_far_as_a_face_is_seen_and_trusted():
    own = Targets(np.array([[1, 0], [0, 1], [0.5, 0.5]], np.float32), np.array([1, 0.5, 0], np.float32))
    pairs = Pairs(other=np.array([1, 2, 2]), share=np.array([0.6, 0.8, 0.7], np.float32))
    mixed = pairs.targets(own)
    np.testing.assert_allclose(mixed.distribution[0], [0.6 / 0.8, 0.2 / 0.8], atol=1e-6)
    np.testing.assert_allclose(mixed.distribution[1], [0, 1], atol=1e-6)  # an unlabelled partner says nothing
    np.testing.assert_allclose(mixed.weight, [0.8, 0.4, 0], atol=1e-6)
    np.testing.assert_allclose(mixed.distribution.sum(axis=1), 1, atol=1e-6)
