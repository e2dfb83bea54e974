import time
from itertools import permutations

import numpy as np
import pytest

from mien.timeline.assignment import assign


def best_by_trying(cost: np.ndarray, unmatched: float) -> float:
    rows, columns = cost.shape
    padded = np.hstack([np.minimum(cost, unmatched), np.full((rows, rows), unmatched)])
    return min(sum(padded[i, p[i]] for i in range(rows)) for p in permutations(range(columns + rows), rows))


@pytest.mark.parametrize("seed", range(30))
def test_no_assignment_costs_less(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost = rng.uniform(0, 10, (rng.integers(1, 5), rng.integers(1, 4)))
    cost[rng.random(cost.shape) < 0.3] = np.inf
    pairs = assign(cost, 6.0)
    total = sum(cost[i, j] for i, j in pairs) + 6.0 * (cost.shape[0] - len(pairs))
    assert total == pytest.approx(best_by_trying(cost, 6.0))
    assert len({j for _, j in pairs}) == len(pairs)
    assert all(cost[i, j] < 6.0 for i, j in pairs)


def test_the_total_cost_counts_not_the_best_pair() -> None:
    assert assign(np.array([[1.0, 2.0], [1.5, 9.0]]), 8.0) == [(0, 1), (1, 0)]


def test_no_rows_or_no_columns() -> None:
    assert assign(np.zeros((0, 3)), 1.0) == []
    assert assign(np.zeros((3, 0)), 1.0) == []
    assert assign(np.full((2, 2), np.inf), 1.0) == []


def test_unmatched_rows_cost_little_time() -> None:
    cost = np.full((800, 800), np.inf)
    cost[0, 0] = 1.0
    started = time.process_time()
    assert assign(cost, 8.0) == [(0, 0)]
    assert time.process_time() - started < 1.5  # usually 0.1; with columns shared by unmatched rows, 4
