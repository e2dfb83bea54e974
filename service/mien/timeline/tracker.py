"""Gives every face of a clip the number of the person it belongs to."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mien.domain import Face, FrameResult
from mien.timeline.assignment import assign
from mien.timeline.kalman import Motion, association_cost, begin, correct, predict
from mien.timeline.model import FaceRow, FrameRow

MAX_LOSS = 1.0
"""Seconds out of sight after which a face gets a new number."""

# How far from its predicted place a face may turn up, in face sizes: at once, and more for every second unseen. Who
# walks past the camera moves eight sizes a second: at five frames a second the second sight is 1.6 from the first.
_REACH = 1.5
_REACH_PER_SECOND = 1.0
# Part of that for a doubtful face.
_DOUBTFUL_REACH = 0.5
# Beyond this a pair is less likely than a face lost and another found; see ``motion.association_cost``.
_UNLIKELY = 50.0
# What every second unseen counts against a pair: where a face fits two people, it is the one who was there just now.
_ABSENCE = 20.0
# Seconds over which a person's confidence is averaged.
_MEMORY = 2.0
# Seconds that a face of middling confidence is watched before it becomes someone.
_WATCHED = 0.5
_SLACK = 1e-6  # s; times are sums of fractions


@dataclass(frozen=True, slots=True)
class TrackThresholds:
    """How sure the detector must be. ``new_track``: of a face that nobody is known by, for it to become someone at
    once. ``keep_track``: of a person, on average over the last seconds; a doubtful sight of somebody who was well seen
    before is that person, a series of them is the back of a head. A face between the two becomes someone when it has
    stayed so sure for half a second; at a doubtful sight the half second begins anew."""

    new_track: float = 0.0
    keep_track: float = 0.0


@dataclass(frozen=True, slots=True)
class _Track:
    person: int | None  # while it is only watched: no one yet
    motion: Motion
    first: float
    seen: float
    confidence: float  # the mean over the sights so far, older ones weighing less
    sights: float  # how many they are, so weighed


def track(results: Iterable[FrameResult], bounds: TrackThresholds = TrackThresholds()) -> Iterator[FrameRow]:
    """One row a result, in order, as they come. Numbers count from 1 in order of appearance, then left to right.

    Tracks are predicted to the frame's time and matched with its faces so that the whole pairing is the likeliest.
    A cut ends every track: nobody beyond it keeps a number, since without looking at the face itself (which this
    tracker does not) the one who is there now cannot be told from the one who was. Reads nothing but the results and
    keeps nothing but the faces of the last ``MAX_LOSS`` seconds, so equal results give equal rows.

    A face below the ``bounds`` is left out, and moves nobody.
    """
    tracks: list[_Track] = []
    known, scene, last = 0, 0, -math.inf
    for result in results:
        faces = result.faces
        if result.scene != scene:
            tracks = []
        scene = result.scene
        # A face missing from one frame is out of sight from the frame before it to the frame after.
        allowed = MAX_LOSS + (result.time - last if tracks else 0.0)
        last = result.time
        tracks = [t for t in tracks if result.time - t.seen <= allowed]
        moved = [predict(t.motion, result.time - t.seen, result.width, result.height) for t in tracks]
        pairs = {face: track for track, face in _pair(tracks, moved, faces, result.time, bounds.keep_track)}
        owners: dict[int, _Track] = {}
        lost = set(range(len(tracks)))
        for at, face in sorted(enumerate(faces), key=lambda item: (item[1].box.x, item[1].box.y)):
            if at in pairs:
                if tracks[pairs[at]].person is None and face.confidence < bounds.keep_track:
                    lost.discard(pairs[at])
                    continue
                seen = _seen_again(tracks[pairs[at]], moved[pairs[at]], face, result.time)
                if max(seen.confidence, face.confidence) < bounds.keep_track:
                    continue
                lost.discard(pairs[at])
            elif face.confidence >= min(bounds.keep_track, bounds.new_track):
                seen = _Track(None, begin(face.box), result.time, result.time, face.confidence, 1.0)
            else:
                continue
            if seen.person is None and _proven(seen, face, bounds):
                known += 1
                seen = replace(seen, person=known)
            owners[at] = seen
        tracks = [*(owners[at] for at in sorted(owners)), *(tracks[index] for index in sorted(lost))]
        rows = [_row(own.person, faces[at]) for at, own in owners.items() if own.person is not None]
        yield FrameRow(result.time, result.index, result.scene, tuple(sorted(rows, key=lambda r: r.person)))


def _proven(watched: _Track, face: Face, bounds: TrackThresholds) -> bool:
    return face.confidence >= bounds.new_track or watched.seen - watched.first >= _WATCHED - _SLACK


def _pair(
    tracks: list[_Track], moved: list[Motion], faces: Sequence[Face], time: float, sure: float
) -> list[tuple[int, int]]:
    """Tracks with faces, by index: first the sure faces, then what is left with the doubtful ones nearby.

    In two rounds, as ByteTrack does it (Zhang et al., 2022), lest a doubtful find take a person from a sure one.
    """
    unseen = np.asarray([time - old.seen for old in tracks], dtype=np.float64)
    doubtful = np.asarray([face.confidence < sure for face in faces], dtype=np.bool_)
    reach = np.outer(_REACH + _REACH_PER_SECOND * unseen, np.where(doubtful, _DOUBTFUL_REACH, 1.0))
    cost = association_cost(moved, [face.box for face in faces], unseen, reach) + _ABSENCE * unseen[:, None]
    everyone = np.arange(len(tracks))
    pairs = _likeliest(cost, everyone, np.flatnonzero(~doubtful))
    free = np.setdiff1d(everyone, [track for track, _ in pairs])
    return pairs + _likeliest(cost, free, np.flatnonzero(doubtful))


def _likeliest(cost: NDArray[np.float64], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> list[tuple[int, int]]:
    chosen = assign(cost[np.ix_(rows, columns)], _UNLIKELY)
    return [(int(rows[i]), int(columns[j])) for i, j in chosen]


def _seen_again(old: _Track, moved: Motion, face: Face, time: float) -> _Track:
    before = old.sights * math.exp((old.seen - time) / _MEMORY)
    confidence = (before * old.confidence + face.confidence) / (before + 1.0)
    return _Track(old.person, correct(moved, face.box), old.first, time, confidence, before + 1.0)


def _row(person: int, face: Face) -> FaceRow:
    return FaceRow(person, face.box, face.confidence, face.emotion, face.score, tuple(face.scores.values()))
