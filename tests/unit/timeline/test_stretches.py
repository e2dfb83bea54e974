import pytest

from mien.timeline.stretches import MARGIN, Stretches
from mien.timeline.tracker import MAX_LOSS

STEP = 0.2


def stretches(*samples: tuple[float, float, float]) -> Stretches:
    """Of (time, score of emotion 0, score of emotion 1), each holding for ``STEP`` seconds."""
    packed = Stretches(2)
    for time, *scores in samples:
        packed.add(time, STEP, scores)
    return packed


def test_a_stretch_ends_where_another_emotion_leads_by_more_than_the_margin() -> None:
    lead = MARGIN / 2
    packed = stretches((0.0, 0.9, 0.1), (0.2, 0.5 - lead / 2, 0.5 + lead / 2), (0.4, 0.1, 0.9))
    assert [packed.emotion(at) for at in range(len(packed))] == [0, 1]
    assert (packed.start(0), packed.end(0)) == (0.0, pytest.approx(0.4))
    assert (packed.start(1), packed.end(1)) == (0.4, pytest.approx(0.6))


def test_a_stretch_ends_where_the_person_is_lost() -> None:
    kept, lost = STEP + MAX_LOSS, STEP + MAX_LOSS + 0.01
    assert len(stretches((0.0, 0.9, 0.1), (kept, 0.9, 0.1))) == 1
    assert len(stretches((0.0, 0.9, 0.1), (lost, 0.9, 0.1))) == 2


def test_a_run_is_interrupted_by_a_loss_and_not_by_another_emotion() -> None:
    back = 0.4 + MAX_LOSS + 1
    packed = stretches((0.0, 0.9, 0.1), (0.2, 0.1, 0.9), (back, 0.1, 0.9))
    assert list(packed.runs()) == [range(2), range(2, 3)]
    assert packed.last_seen() == back


def test_means_are_weighted_by_time() -> None:
    packed = Stretches(2)
    packed.add(0.0, 0.1, (0.9, 0.1))
    packed.add(0.1, 0.3, (0.5, 0.4))
    assert packed.seconds(range(1)) == pytest.approx(0.4)
    assert packed.mean(range(1), 0) == pytest.approx((0.1 * 0.9 + 0.3 * 0.5) / 0.4)


def test_a_single_sample_without_a_duration_is_its_own_mean() -> None:
    packed = Stretches(2)
    packed.add(1.0, 0.0, (0.7, 0.3))
    assert packed.mean(range(1), 0) == 0.7


def test_the_peak_is_the_first_of_the_highest_scores() -> None:
    packed = stretches((0.0, 0.6, 0.4), (0.2, 0.8, 0.2), (0.4, 0.8, 0.2))
    assert packed.peak_time(range(1), 0) == 0.2
    assert packed.peak_time(range(1), 1) == 0.0
