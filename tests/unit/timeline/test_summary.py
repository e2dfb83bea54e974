import pytest

from service.timeline.summary import summarize
from tests.unit.timeline.rows import LABELS8, face, rows_of, scores

HAPPY, SAD = scores(happy=0.9), scores(sad=0.6)


def test_everything_is_weighted_by_time_not_by_frames() -> None:
    # Ten happy frames in a tenth of a second, then two sad ones that last.
    times = [k / 100 for k in range(10)] + [0.1, 2.0]
    timeline = summarize(rows_of(times, lambda t: [face(HAPPY if t < 0.1 else SAD)]), LABELS8, 4.0)
    (person,) = timeline.people
    assert person.screen_time == pytest.approx(4.0)
    assert person.dominant == timeline.summary.dominant == "sad"
    assert person.mean_scores["sad"] == pytest.approx((3.9 * 0.6 + 0.1 * HAPPY[3]) / 4.0)
    assert timeline.summary.share["sad"] == pytest.approx(3.9 / 4.0)
    assert sum(timeline.summary.share.values()) == pytest.approx(1)
    assert sum(person.mean_scores.values()) == pytest.approx(1)


def test_people_and_faces_a_frame() -> None:
    rows = rows_of([0.0, 1.0, 2.0, 3.0], lambda t: [face(HAPPY, 1), face(SAD, 2)] if t in (1.0, 2.0) else [])
    timeline = summarize(rows, LABELS8, 4.0)
    assert [p.person for p in timeline.people] == [1, 2]
    assert (timeline.people[0].first_seen, timeline.people[0].last_seen) == (1.0, 2.0)
    assert (timeline.summary.mean_faces, timeline.summary.max_faces) == (1.0, 2)
    assert len(timeline.rows) == 4


def test_nobody_and_nothing() -> None:
    empty = summarize([], LABELS8, 0.0)
    assert (empty.people, empty.summary.dominant, empty.summary.mean_faces) == ((), None, 0.0)
    alone = summarize(rows_of([0.0, 1.0], lambda _: []), LABELS8, 2.0)
    assert (alone.summary.dominant, dict(alone.summary.share), alone.summary.max_faces) == (None, {}, 0)


def test_a_single_frame_without_duration() -> None:
    timeline = summarize(rows_of([0.0], lambda _: [face(HAPPY)]), LABELS8, 0.0)
    assert timeline.people[0].dominant == "happy"
    assert timeline.people[0].segments[0].mean_score == pytest.approx(0.9)
