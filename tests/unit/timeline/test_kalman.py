import math

import numpy as np
import pytest

from mien.domain import Box
from mien.timeline.kalman import Motion, association_cost, initiate, predict, update


def boxes(rng: np.random.Generator, count: int) -> list[Box]:
    return [Box(*rng.uniform(0, 200, 2).tolist(), *rng.uniform(20, 70, 2).tolist()) for _ in range(count)]


def of_one(motion: Motion, box: Box, seconds: float, reach: float) -> float:
    """The cost of one pair in plain numbers: normal distributions of position (two axes) and of log size."""
    size = math.sqrt(box.width * box.height)
    away = math.hypot(box.x + box.width / 2 - motion.x, box.y + box.height / 2 - motion.y)
    away /= math.sqrt(size * motion.size)
    change = abs(math.log(size / motion.size))
    if away > reach or change > math.log(2):
        return math.inf
    place, scale = motion.pp / 0.05**2 + 1, 1 + (0.25 / 0.06) ** 2 * seconds
    return away**2 / (place * 0.05**2) + 2 * math.log(place) + change**2 / (scale * 0.06**2) + math.log(scale)


@pytest.mark.parametrize("seed", range(20))
def test_costs_of_all_pairs_equal_those_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    seconds, reach = rng.uniform(0, 1, 6), rng.uniform(0.5, 4, (6, 9))
    first, second, found = boxes(rng, 6), boxes(rng, 6), boxes(rng, 9)
    seen = [update(initiate(a), b) for a, b in zip(first, second, strict=True)]
    moved = [predict(one, s, 300, 300) for one, s in zip(seen, seconds.tolist(), strict=True)]
    expected = [[of_one(moved[i], found[j], seconds[i], reach[i, j]) for j in range(9)] for i in range(6)]
    got = association_cost(moved, found, seconds, reach)
    assert got.shape == (6, 9)
    assert np.isfinite(got).any()
    np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_no_tracks_or_no_boxes() -> None:
    here = initiate(Box(0, 0, 50, 50))
    assert association_cost([], [Box(0, 0, 50, 50)], np.zeros(0), np.zeros((0, 1))).shape == (0, 1)
    assert association_cost([here], [], np.zeros(1), np.zeros((1, 0))).shape == (1, 0)
