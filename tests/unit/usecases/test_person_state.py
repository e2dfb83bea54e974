"""The state of a session as bytes: bounded, and the same when it is read."""

import random

import pytest

from mien.domain import Box
from mien.timeline.kalman import initiate
from mien.timeline.tracker import Track, TrackerState
from mien.usecases.person_state import MAX_TRACKS, PersonState, pack, unpack


def state(count: int, now: float = 50.0) -> PersonState:
    chance = random.Random(count)
    tracks = tuple(
        Track(
            number + 1 if number % 3 else None,
            initiate(Box(chance.uniform(0, 600), 10, 50, 60)),
            now - chance.uniform(1, 9),
            now - number / 1000,
            chance.random(),
            chance.uniform(1, 30),
        )
        for number in range(count)
    )
    averages = {number + 1: (now - number / 1000, tuple(chance.random() for _ in range(8))) for number in range(count)}
    return PersonState(TrackerState(count, 3, now, tracks), averages, "ferplus8", 1e9)


def test_it_is_the_same_with_its_frame_at_0() -> None:
    before, after = state(5), unpack(pack(state(5)))
    assert (after.tracker.people, after.tracker.last_time, after.labels, after.saved_at) == (5, 0.0, "ferplus8", 1e9)
    for old, new in zip(before.tracker.tracks, after.tracker.tracks, strict=True):
        assert new.motion == old.motion
        assert (new.person, new.confidence, new.hits) == (old.person, old.confidence, old.hits)
        assert new.last_seen == pytest.approx(old.last_seen - 50)
        assert new.first_seen == pytest.approx(old.first_seen - 50)
    numbered = {track.person for track in before.tracker.tracks if track.person}
    assert after.averages.keys() == numbered
    assert all(after.averages[person][1] == before.averages[person][1] for person in numbered)


def test_its_size_is_bounded_and_the_latest_are_kept() -> None:
    packed = pack(state(1000))
    assert len(packed) < 16 << 10
    kept = unpack(packed).tracker
    assert len(kept.tracks) == MAX_TRACKS
    assert kept.people == 1000
    assert {track.person for track in kept.tracks if track.person} <= set(range(1, MAX_TRACKS + 1))
    assert [track.last_seen for track in kept.tracks] == sorted((t.last_seen for t in kept.tracks), reverse=True)


@pytest.mark.parametrize("data", [b"", b"\x90", b"garbage", pack(state(2))[:-3], b"\x96\x02" + pack(state(0))[2:]])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="packed"):
        unpack(data)
