"""What a live session remembers of its people, as bytes: another replica continues their numbers from it."""

import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated

import msgspec

from mien.timeline.kalman import Motion
from mien.timeline.smoothing import Averages
from mien.timeline.tracker import Track, TrackerState

MAX_TRACKS = 64
"""The tracks seen last are kept: 64 take at most 16 KiB, and a camera hardly shows more faces."""
_VERSION = 1


@dataclass(frozen=True, slots=True)
class PersonState:
    """The tracker's state and the smoothed scores of its people after a frame.

    ``labels`` is the label set of the scores; ``saved_at`` the time of the frame in seconds since the epoch.
    """

    tracker: TrackerState = field(default_factory=TrackerState)
    averages: Averages = field(default_factory=lambda: MappingProxyType({}))
    labels: str = ""
    saved_at: float = -math.inf


NEW_SESSION = PersonState()
"""Of a session without a past."""


class _Track(msgspec.Struct, array_like=True):
    person: int | None
    motion: Annotated[tuple[float, ...], msgspec.Meta(min_length=8, max_length=8)]
    first_seen: float  # this and the next in seconds before the frame
    last_seen: float
    confidence: float
    hits: float


class _Average(msgspec.Struct, array_like=True):
    person: int
    seen: float  # seconds before the frame
    scores: tuple[float, ...]


class _State(msgspec.Struct, array_like=True):
    version: int
    saved_at: float
    people: int
    labels: str
    tracks: list[_Track]
    averages: list[_Average]


def pack(state: PersonState) -> bytes:
    """``state`` as MessagePack, with at most ``MAX_TRACKS`` tracks."""
    tracker = state.tracker
    now = tracker.last_time
    latest = sorted(range(len(tracker.tracks)), key=lambda at: -tracker.tracks[at].last_seen)[:MAX_TRACKS]
    tracks = [tracker.tracks[at] for at in sorted(latest)]  # their order breaks ties
    people = {track.person for track in tracks}
    averages = [
        _Average(person, now - at, tuple(map(float, scores)))
        for person, (at, scores) in state.averages.items()
        if person in people
    ]
    packed = [_packed(track, now) for track in tracks]
    return msgspec.msgpack.encode(_State(_VERSION, state.saved_at, tracker.people, state.labels, packed, averages))


def unpack(data: bytes) -> PersonState:
    """The state in ``data``, with the time of its frame at 0.

    Raises:
        ValueError: it was not packed by this version.
    """
    try:
        found = msgspec.msgpack.decode(data, type=_State)
    except msgspec.MsgspecError as error:
        raise ValueError("not a packed state") from error
    if found.version != _VERSION:
        raise ValueError("packed by another version")
    tracks = tuple(_unpacked(track) for track in found.tracks)
    averages = {entry.person: (-entry.seen, entry.scores) for entry in found.averages}
    return PersonState(TrackerState(found.people, 0, 0.0, tracks), averages, found.labels, found.saved_at)


def _packed(track: Track, now: float) -> _Track:
    m = track.motion
    # Engines may report NumPy's floats, which are no Python floats to the encoder.
    motion = tuple(map(float, (m.x, m.y, m.vx, m.vy, m.log_size, m.pp, m.pv, m.vv)))
    since, unseen = now - track.first_seen, now - track.last_seen
    return _Track(track.person, motion, since, unseen, float(track.confidence), float(track.hits))


def _unpacked(track: _Track) -> Track:
    return Track(track.person, Motion(*track.motion), -track.first_seen, -track.last_seen, track.confidence, track.hits)
