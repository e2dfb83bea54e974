import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from mien.timeline.model import Segment
from mien.timeline.segments import MARGIN, MIN_LENGTH, EmotionRuns, segments
from mien.timeline.smoothing import smooth
from mien.timeline.summary import summarize
from mien.timeline.tracker import MAX_GAP
from tests.unit.timeline.reference import Sample, merged, packed
from tests.unit.timeline.rows import LABELS8, face, rows_of, scores

Scores = Callable[[float], tuple[float, ...]]


def found(times: list[float], at: Scores, end: float) -> tuple[Segment, ...]:
    samples = [Sample(a, b - a, at(a)) for a, b in pairwise([*times, end])]
    return segments(packed(samples), LABELS8)


def every(fps: float, seconds: float) -> list[float]:
    return [k / fps for k in range(round(fps * seconds))]


def test_two_emotions_make_two_segments_that_touch() -> None:
    got = found(every(10, 4), lambda t: scores(sad=0.8) if t < 1.5 else scores(happy=0.7 + 0.01 * (t < 2)), 4.0)
    assert [(s.start, s.end, s.emotion) for s in got] == [(0.0, 1.5, "sad"), (1.5, 4.0, "happy")]
    assert got[0].mean_score == pytest.approx(0.8)
    assert got[1].peak_time == 1.5


def test_flicker_between_two_equally_likely_emotions_is_one_segment() -> None:
    def at(t: float) -> tuple[float, ...]:
        return scores(neutral=0.40, sad=0.44) if round(t * 10) % 2 else scores(neutral=0.44, sad=0.40)

    assert [s.emotion for s in found(every(10, 4), at, 4.0)] == ["neutral"]


def test_only_an_emotion_of_minimum_length_is_a_segment() -> None:
    def at(length: float) -> Scores:
        return lambda t: scores(surprise=0.9) if 1.0 <= t < 1.0 + length - 1e-9 else scores(neutral=0.9)

    assert [s.emotion for s in found(every(20, 3), at(0.3), 3.0)] == ["neutral"]
    assert [s.emotion for s in found(every(20, 3), at(MIN_LENGTH), 3.0)] == ["neutral", "surprise", "neutral"]


def test_a_lone_short_appearance_is_kept() -> None:
    assert [(s.start, s.end) for s in found([1.0], lambda _: scores(happy=0.9), 1.04)] == [(1.0, 1.04)]


def test_a_short_gap_is_bridged_and_a_long_one_is_not() -> None:
    def seen(away: float) -> list[tuple[float, float]]:
        samples = [Sample(k / 10, 0.1, scores(happy=0.9)) for k in range(20)]
        later = [Sample(2.0 + away + k / 10, 0.1, scores(happy=0.9)) for k in range(10)]
        return [(s.start, round(s.end, 6)) for s in segments(packed([*samples, *later]), LABELS8)]

    assert seen(0.9) == [(0.0, 3.9)]
    assert seen(1.5) == [(0.0, 2.0), (3.5, 4.5)]


def test_means_are_weighted_by_time() -> None:
    got = found([0.0, 0.1, 0.2], lambda t: scores(happy=0.9 if t < 0.2 else 0.6), 1.0)
    assert got[0].mean_score == pytest.approx((0.2 * 0.9 + 0.8 * 0.6) / 1.0)


@pytest.mark.parametrize("fps", [2.0, 5.0, 10.0])
def test_the_sampling_rate_moves_segments_by_at_most_one_step(fps: float) -> None:
    def shown(t: float) -> tuple[float, ...]:
        return scores(neutral=0.8) if t < 2.03 else scores(happy=0.85) if t < 5.61 else scores(sad=0.7)

    def at(rate: float) -> tuple[Segment, ...]:
        rows = rows_of(every(rate, 9), lambda t: [face(shown(t))])
        return summarize(list(smooth(rows, LABELS8)), LABELS8, 9.0).people[0].segments

    native, coarse = at(30.0), at(fps)
    assert [s.emotion for s in coarse] == [s.emotion for s in native] == ["neutral", "happy", "sad"]
    for a, b in zip(coarse, native, strict=True):
        assert (a.start, a.end) == pytest.approx((b.start, b.end), abs=1 / fps + 1e-9)


@pytest.mark.parametrize("seed", range(300))
def test_segments_equal_those_of_the_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count, emotions = int(rng.integers(1, 80)), int(rng.integers(2, 5))
    # Half of them in steps that floats add exactly, so that many runs are equally long.
    spans = rng.choice([0.0625, 0.125, 0.25] if seed % 2 else [0.04, 0.1, 0.3], count)
    times = np.cumsum([0.0, *spans]).tolist()
    held = np.repeat(rng.integers(0, emotions, count), rng.integers(1, 5, count))[:count]
    shares = rng.dirichlet(np.ones(emotions), count) * 0.4
    shares[np.arange(count), held] += 0.6
    samples = [Sample(a, b - a, tuple(row)) for (a, b), row in zip(pairwise(times), shares.tolist(), strict=True)]
    got = segments(packed(samples), LABELS8)
    assert [(s.start, s.end, LABELS8.index(s.emotion)) for s in got] == [
        (part[0].time, part[-1].end, label) for label, part in merged(samples)
    ]


def test_time_grows_linearly_with_the_number_of_runs() -> None:
    samples = [Sample(k / 25, 1 / 25, scores(sad=0.9) if k % 2 else scores(happy=0.9)) for k in range(20_000)]
    started = time.process_time()
    got = segments(packed(samples), LABELS8)
    assert time.process_time() - started < 5  # a tenth of it as a rule; looking for the shortest anew took 40
    assert (got[0].start, got[-1].end) == (0.0, 800.0)


STEP = 0.2


def runs_of(*samples: tuple[float, float, float]) -> EmotionRuns:
    """From samples (time, score of emotion 0, score of emotion 1) that hold for ``STEP`` seconds."""
    runs = EmotionRuns(2)
    for start, *values in samples:
        runs.add(start, STEP, values)
    return runs


def test_a_run_ends_when_another_emotion_leads_by_more_than_the_margin() -> None:
    lead = MARGIN / 2
    runs = runs_of((0.0, 0.9, 0.1), (0.2, 0.5 - lead / 2, 0.5 + lead / 2), (0.4, 0.1, 0.9))
    assert [runs.emotion(at) for at in range(len(runs))] == [0, 1]
    assert (runs.start(0), runs.end(0)) == (0.0, pytest.approx(0.4))
    assert (runs.start(1), runs.end(1)) == (0.4, pytest.approx(0.6))


def test_a_run_ends_when_the_person_is_out_of_sight_for_too_long() -> None:
    kept, lost = STEP + MAX_GAP, STEP + MAX_GAP + 0.01
    assert len(runs_of((0.0, 0.9, 0.1), (kept, 0.9, 0.1))) == 1
    assert len(runs_of((0.0, 0.9, 0.1), (lost, 0.9, 0.1))) == 2


def test_an_appearance_ends_with_a_gap_but_not_with_another_emotion() -> None:
    back = 0.4 + MAX_GAP + 1
    runs = runs_of((0.0, 0.9, 0.1), (0.2, 0.1, 0.9), (back, 0.1, 0.9))
    assert list(runs.appearances()) == [range(2), range(2, 3)]
    assert runs.last_seen() == back


def test_means_of_runs_are_weighted_by_time() -> None:
    runs = EmotionRuns(2)
    runs.add(0.0, 0.1, (0.9, 0.1))
    runs.add(0.1, 0.3, (0.5, 0.4))
    assert runs.seconds(range(1)) == pytest.approx(0.4)
    assert runs.mean(range(1), 0) == pytest.approx((0.1 * 0.9 + 0.3 * 0.5) / 0.4)


def test_the_mean_of_a_sample_without_duration_is_its_score() -> None:
    runs = EmotionRuns(2)
    runs.add(1.0, 0.0, (0.7, 0.3))
    assert runs.mean(range(1), 0) == 0.7


def test_the_peak_is_the_first_of_the_highest_scores() -> None:
    runs = runs_of((0.0, 0.6, 0.4), (0.2, 0.8, 0.2), (0.4, 0.8, 0.2))
    assert runs.peak_time(range(1), 0) == 0.2
    assert runs.peak_time(range(1), 1) == 0.0
