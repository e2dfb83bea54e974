import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

from mien.timeline.model import FrameRow
from mien.timeline.summary import Summarizer, summarize
from tests.unit.timeline.reference import summary_of
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


def test_people_and_faces_per_frame() -> None:
    rows = rows_of([0.0, 1.0, 2.0, 3.0], lambda t: [face(HAPPY, 1), face(SAD, 2)] if t in (1.0, 2.0) else [])
    timeline = summarize(rows, LABELS8, 4.0)
    assert [p.person for p in timeline.people] == [1, 2]
    assert (timeline.people[0].first_seen, timeline.people[0].last_seen) == (1.0, 2.0)
    assert (timeline.summary.mean_faces, timeline.summary.max_faces) == (1.0, 2)
    assert len(timeline.rows) == 4


def test_clips_without_rows_or_without_faces() -> None:
    empty = summarize([], LABELS8, 0.0)
    assert (list(empty.people), empty.summary.dominant, empty.summary.mean_faces) == ([], None, 0.0)
    alone = summarize(rows_of([0.0, 1.0], lambda _: []), LABELS8, 2.0)
    assert (alone.summary.dominant, dict(alone.summary.share), alone.summary.max_faces) == (None, {}, 0)


def test_a_single_frame_without_duration() -> None:
    timeline = summarize(rows_of([0.0], lambda _: [face(HAPPY)]), LABELS8, 0.0)
    assert timeline.people[0].dominant == "happy"
    assert timeline.people[0].segments[0].mean_score == pytest.approx(0.9)


def random_rows(seed: int) -> list[FrameRow]:
    """People who come, go and change their expressions, at irregular times; some are out of sight for seconds."""
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.choice([0.04, 0.2, 0.3, 1.4], rng.integers(1, 60))).tolist()
    moods = rng.dirichlet(np.full(8, 0.3), 8)
    here = dict.fromkeys(range(1, 5), False)
    rows = []
    for index, time in enumerate(times):
        here = {person: seen ^ bool(rng.random() < 0.2) for person, seen in here.items()}
        shown = {person: 0.9 * moods[rng.integers(8)] + 0.1 / 8 for person, seen in here.items() if seen}
        rows.append(FrameRow(time, index, 0, tuple(face(tuple(s.tolist()), p) for p, s in shown.items())))
    return rows


@pytest.mark.parametrize("seed", range(100))
def test_summaries_equal_those_of_the_reference(seed: int) -> None:
    rows = random_rows(seed)
    end = rows[-1].time + (0.2 if seed % 3 else 0.0)
    got, (people, summary) = summarize(rows, LABELS8, end), summary_of(rows, LABELS8, end)
    assert (got.summary.dominant, got.summary.max_faces) == (summary.dominant, summary.max_faces)
    assert got.summary.mean_faces == pytest.approx(summary.mean_faces)
    assert dict(got.summary.share) == pytest.approx(dict(summary.share))
    assert [p.person for p in got.people] == [p.person for p in people]
    for one, other in zip(got.people, people, strict=True):
        assert (one.first_seen, one.last_seen, one.dominant) == (other.first_seen, other.last_seen, other.dominant)
        assert one.screen_time == pytest.approx(other.screen_time)
        assert dict(one.mean_scores) == pytest.approx(dict(other.mean_scores))
        assert [(s.start, s.end, s.emotion, s.peak_time) for s in one.segments] == [
            (s.start, s.end, s.emotion, s.peak_time) for s in other.segments
        ]
        assert [s.mean_score for s in one.segments] == pytest.approx([s.mean_score for s in other.segments])


def test_memory_per_person_does_not_grow_with_the_rows() -> None:
    def crowd(frames: int) -> Iterator[FrameRow]:
        for k in range(frames):
            yield FrameRow(k / 5, k, 0, tuple(face(HAPPY if k < 20 else SAD, person) for person in range(1, 11)))

    def kept(frames: int) -> int:
        tracemalloc.start()
        summarizer = Summarizer(LABELS8)
        for row in crowd(frames):
            summarizer.add(row)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert kept(2000) < 1.2 * kept(200)


def test_a_person_whose_emotion_changes_every_frame_takes_under_350_bytes_per_row() -> None:
    tracemalloc.start()
    summarizer = Summarizer(LABELS8)
    for k in range(5000):
        summarizer.add(FrameRow(k / 5, k, 0, (face(HAPPY if k % 2 else SAD),)))
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert used / 5000 < 350


def test_people_are_a_sequence() -> None:
    people = summarize(rows_of([0.0], lambda _: [face(HAPPY, 3), face(SAD, 7)]), LABELS8, 1.0).people
    assert [p.person for p in people] == [p.person for p in people[:]] == [3, 7]
    assert (people[-1].person, len(people)) == (7, 2)
    with pytest.raises(IndexError):
        people[2]
