"""Gives every face of a clip the number of the person it belongs to."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from service.domain import Face, FrameResult
from service.timeline.assignment import assign
from service.timeline.model import FaceRow, FrameRow
from service.timeline.motion import Motion, begin, correct, predict, surprise

MAX_LOSS = 1.0
"""Seconds out of sight after which a face gets a new number."""

# How far from its predicted place a face may turn up, in face sizes: at once, and more for every second unseen.
_REACH = 1.2
_REACH_PER_SECOND = 1.0
# Beyond this a pair is less likely than a face lost and another found; see ``motion.surprise``.
_UNLIKELY = 40.0


@dataclass(frozen=True, slots=True)
class _Track:
    person: int
    motion: Motion
    seen: float


def track(results: Iterable[FrameResult], first_sight: float = 0.0) -> Iterator[FrameRow]:
    """One row a result, in order, as they come. Numbers count from 1 in order of appearance, then left to right.

    Tracks are predicted to the frame's time and matched with its faces so that the whole pairing is the likeliest.
    A cut ends every track: nobody beyond it keeps a number, since without looking at the face itself (which this
    tracker does not) the one who is there now cannot be told from the one who was. Reads nothing but the results and
    keeps nothing but the faces of the last ``MAX_LOSS`` seconds, so equal results give equal rows.

    A face that nobody is known by needs a confidence of ``first_sight`` to become someone; below it is left out.
    """
    tracks: list[_Track] = []
    known, scene, last = 0, 0, -math.inf
    for result in results:
        if result.scene != scene:
            tracks = []
        scene = result.scene
        # A face missing from one frame is out of sight from the frame before it to the frame after.
        allowed = MAX_LOSS + (result.time - last if tracks else 0.0)
        last = result.time
        tracks = [t for t in tracks if result.time - t.seen <= allowed]
        moved = [predict(t.motion, result.time - t.seen, result.width, result.height) for t in tracks]
        pairs = {face: track for track, face in _pair(tracks, moved, result)}
        owners: dict[int, _Track] = {}
        for at in sorted(range(len(result.faces)), key=lambda i: (result.faces[i].box.x, result.faces[i].box.y)):
            box = result.faces[at].box
            if at in pairs:
                owners[at] = _Track(tracks[pairs[at]].person, correct(moved[pairs[at]], box), result.time)
            elif result.faces[at].confidence >= first_sight:
                known += 1
                owners[at] = _Track(known, begin(box), result.time)
        lost = [t for at, t in enumerate(tracks) if at not in pairs.values()]
        tracks = sorted([*owners.values(), *lost], key=lambda t: t.person)
        rows = sorted((_row(own.person, result.faces[at]) for at, own in owners.items()), key=lambda r: r.person)
        yield FrameRow(result.time, result.index, result.scene, tuple(rows))


def _pair(tracks: list[_Track], moved: list[Motion], result: FrameResult) -> list[tuple[int, int]]:
    cost = np.full((len(tracks), len(result.faces)), math.inf)
    for i, (old, motion) in enumerate(zip(tracks, moved, strict=True)):
        seconds = result.time - old.seen
        for j, face in enumerate(result.faces):
            cost[i, j] = surprise(motion, face.box, seconds, _REACH + _REACH_PER_SECOND * seconds)
    return assign(cost, _UNLIKELY)


def _row(person: int, face: Face) -> FaceRow:
    return FaceRow(person, face.box, face.confidence, face.emotion, face.score, tuple(face.scores.values()))
