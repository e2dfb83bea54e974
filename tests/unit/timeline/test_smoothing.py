import math

import numpy as np
import pytest

from mien.timeline.smoothing import TIME_CONSTANT, smooth
from tests.unit.timeline.rows import LABELS8, face, rows_of, scores

SAD, HAPPY = scores(sad=0.9), scores(happy=0.9)


def test_after_one_time_constant_63_percent_of_a_change_has_taken_effect_at_any_rate() -> None:
    for fps in (4, 10, 40, 200):
        times = [k / fps for k in range(2 * fps + 1)]
        rows = rows_of(times, lambda t: [face(SAD if t < 1.0 - 1e-9 else HAPPY)])
        # The sample at 1.0 counts for the time since the previous one.
        until = TIME_CONSTANT - 1 / fps
        at = next(k for k, t in enumerate(times) if t >= 1.0 + until - 1e-9)
        happy = list(smooth(rows, LABELS8))[at].faces[0].scores[LABELS8.index("happy")]
        span = times[at] - 1.0 + 1 / fps
        share = 1 - math.exp(-span / TIME_CONSTANT)
        assert happy == pytest.approx(SAD[1] + share * (HAPPY[1] - SAD[1]))


def test_irregular_and_regular_times_converge_alike() -> None:
    def final(times: list[float]) -> tuple[float, ...]:
        return list(smooth(rows_of(times, lambda t: [face(SAD if t <= 1 else HAPPY)]), LABELS8))[-1].faces[0].scores

    rng = np.random.default_rng(1)
    uneven = sorted({0.0, 1.0, 1.6, *rng.uniform(0, 1.6, 50).tolist()})
    assert final(uneven) == pytest.approx(final([0.0, 1.0, 1.6]))


def test_scores_still_sum_to_1_and_the_emotion_follows_them() -> None:
    rng = np.random.default_rng(2)
    draws = iter(rng.dirichlet([0.3] * 8, 100).tolist())
    for row in smooth(rows_of([k / 10 for k in range(100)], lambda _: [face(tuple(next(draws)))]), LABELS8):
        (seen,) = row.faces
        assert sum(seen.scores) == pytest.approx(1)
        assert seen.score == max(seen.scores)
        assert seen.emotion == LABELS8[seen.scores.index(seen.score)]


def test_people_are_smoothed_separately_from_their_first_sample() -> None:
    rows = rows_of([0.0, 0.1], lambda _: [face(SAD, 1), face(HAPPY, 2)])
    assert list(smooth(rows, LABELS8)) == rows


def test_rows_without_faces_are_kept() -> None:
    rows = rows_of([0.0, 0.1, 30.0], lambda t: [face(SAD)] if t == 0.0 else [])
    assert [len(row.faces) for row in smooth(rows, LABELS8)] == [1, 0, 0]
