"""Multi-object tracking: gives every face of a clip the number of the person it belongs to."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mien.domain import Face, FrameResult
from mien.timeline.assignment import assign
from mien.timeline.kalman import Motion, association_cost, initiate, predict, update
from mien.timeline.model import FaceRow, FrameRow

MAX_GAP = 1.0
"""Seconds out of sight after which a track ends; a face that reappears later gets a new number."""

# How far from its predicted position a face may reappear, in face sizes: at once, and more per second unseen. Somebody
# walking past the camera moves eight sizes per second: at 5 fps the second hit is 1.6 from the first.
_REACH = 1.5
_REACH_PER_SECOND = 1.0
# Fraction of that for a face below ``keep_track``.
_WEAK_REACH = 0.5
# From this cost on, a track lost and another begun are more likely than a match; see ``kalman.association_cost``.
_MAX_COST = 50.0
# Cost per second unseen: if a face fits two tracks, the one seen more recently gets it.
_UNSEEN_COST = 20.0
# Time constant in seconds of a track's mean confidence.
_CONFIDENCE_TIME = 2.0
# Seconds that a face below ``new_track`` must be tracked before it is confirmed.
_PROBATION = 0.5
_ROUNDING = 1e-6  # s; times are sums of fractions


@dataclass(frozen=True, slots=True)
class TrackThresholds:
    """Detector confidences. ``new_track``: confidence that starts a new track immediately. ``keep_track``: mean
    confidence over the last seconds that a track needs: after many good hits a weak one is the same person, a series of
    weak ones is the back of a head. A face between the two starts a track after half a second at ``keep_track`` or
    above; a weaker hit restarts that half second."""

    new_track: float = 0.0
    keep_track: float = 0.0


@dataclass(frozen=True, slots=True)
class Track:
    """One face that is being followed; ``person`` is ``None`` while it is tentative. ``confidence`` is the mean over
    the hits, older ones weighing less, and ``hits`` their number, weighted alike."""

    person: int | None
    motion: Motion
    first_seen: float
    last_seen: float
    confidence: float
    hits: float


@dataclass(frozen=True, slots=True)
class TrackerState:
    """What a tracker knows between two frames: the number of ``people`` so far, the scene and time of the last frame
    (seconds), and the tracks."""

    people: int = 0
    scene: int = 0
    last_time: float = -math.inf
    tracks: tuple[Track, ...] = ()


def track(results: Iterable[FrameResult], thresholds: TrackThresholds = TrackThresholds()) -> Iterator[FrameRow]:
    """One row per result, in order, as they come: see ``Tracker``."""
    return map(Tracker(thresholds).add, results)


class Tracker:
    """Numbers the faces of one frame after the other, from 1 in order of appearance, then left to right.

    Tracks are predicted to the frame's time and matched with its faces by the most likely assignment as a whole. A
    shot boundary ends every track: without comparing the faces themselves, which this tracker does not do, the person
    after it cannot be told from the person before. Depends on nothing but the results and keeps only the faces of the
    last ``MAX_GAP`` seconds, so equal results give equal rows. Faces below the thresholds are left out.

    ``state`` is all that it remembers: a tracker that begins with the state of another continues its numbers.
    """

    def __init__(self, thresholds: TrackThresholds = TrackThresholds(), state: TrackerState = TrackerState()) -> None:
        self._thresholds = thresholds
        self.state = state

    def add(self, result: FrameResult) -> FrameRow:
        """The row of the next frame, whose time is later than the last one's."""
        thresholds, state = self._thresholds, self.state
        people, tracks = state.people, list(state.tracks) if result.scene == state.scene else []
        # A face missing from one frame is out of sight from the frame before it to the frame after.
        max_gap = MAX_GAP + (result.time - state.last_time if tracks else 0.0)
        tracks = [t for t in tracks if result.time - t.last_seen <= max_gap]
        motions = [predict(t.motion, result.time - t.last_seen, result.width, result.height) for t in tracks]
        matches = {face: at for at, face in _match(tracks, motions, result.faces, result.time, thresholds.keep_track)}
        updated: dict[int, Track] = {}
        unmatched = set(range(len(tracks)))
        for index, face in sorted(enumerate(result.faces), key=lambda item: (item[1].box.x, item[1].box.y)):
            if index in matches:
                at = matches[index]
                if tracks[at].person is None and face.confidence < thresholds.keep_track:
                    unmatched.discard(at)  # a weak hit ends a tentative track
                    continue
                hit = _hit(tracks[at], motions[at], face, result.time)
                if max(hit.confidence, face.confidence) < thresholds.keep_track:
                    continue
                unmatched.discard(at)
            elif face.confidence >= min(thresholds.keep_track, thresholds.new_track):
                hit = Track(None, initiate(face.box), result.time, result.time, face.confidence, 1.0)
            else:
                continue
            if hit.person is None and _is_confirmed(hit, face, thresholds):
                people += 1
                hit = replace(hit, person=people)
            updated[index] = hit
        kept = (*(updated[index] for index in sorted(updated)), *(tracks[at] for at in sorted(unmatched)))
        self.state = TrackerState(people, result.scene, result.time, kept)
        rows = [_row(hit.person, result.faces[index]) for index, hit in updated.items() if hit.person is not None]
        return FrameRow(result.time, result.index, result.scene, tuple(sorted(rows, key=lambda row: row.person)))


def _is_confirmed(tentative: Track, face: Face, thresholds: TrackThresholds) -> bool:
    tracked = tentative.last_seen - tentative.first_seen
    return face.confidence >= thresholds.new_track or tracked >= _PROBATION - _ROUNDING


def _match(
    tracks: list[Track], motions: list[Motion], faces: Sequence[Face], time: float, keep_track: float
) -> list[tuple[int, int]]:
    """Indices of matching tracks and faces: first the strong faces, then the weak ones near the remaining tracks.

    Two rounds, as in ByteTrack (Zhang et al., 2022), so that a weak detection cannot take a track from a strong one.
    """
    unseen = np.asarray([time - old.last_seen for old in tracks], dtype=np.float64)
    weak = np.asarray([face.confidence < keep_track for face in faces], dtype=np.bool_)
    reach = np.outer(_REACH + _REACH_PER_SECOND * unseen, np.where(weak, _WEAK_REACH, 1.0))
    cost = association_cost(motions, [face.box for face in faces], unseen, reach) + _UNSEEN_COST * unseen[:, None]
    every = np.arange(len(tracks))
    matches = _assign(cost, every, np.flatnonzero(~weak))
    if not weak.any():
        return matches
    remaining = np.setdiff1d(every, [track for track, _ in matches])
    return matches + _assign(cost, remaining, np.flatnonzero(weak))


def _assign(cost: NDArray[np.float64], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> list[tuple[int, int]]:
    return [(int(rows[i]), int(columns[j])) for i, j in assign(cost[np.ix_(rows, columns)], _MAX_COST)]


def _hit(old: Track, predicted: Motion, face: Face, time: float) -> Track:
    weight = old.hits * math.exp((old.last_seen - time) / _CONFIDENCE_TIME)
    confidence = (weight * old.confidence + face.confidence) / (weight + 1.0)
    return Track(old.person, update(predicted, face.box), old.first_seen, time, confidence, weight + 1.0)


def _row(person: int, face: Face) -> FaceRow:
    return FaceRow(person, face.box, face.confidence, face.emotion, face.score, tuple(face.scores.values()))
