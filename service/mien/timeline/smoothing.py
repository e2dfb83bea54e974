"""Takes the flicker out of each person's scores."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mien.timeline.model import FaceRow, FrameRow
from mien.timeline.tracker import MAX_LOSS

TIME_CONSTANT = 0.25
"""Seconds after which a change has come through to 63 %."""


def smooth(
    rows: Iterable[FrameRow], labels: tuple[str, ...], time_constant: float = TIME_CONSTANT
) -> Iterator[FrameRow]:
    """Exponential moving average of each person's scores over time; emotion and score follow the averaged ones.

    A sample's weight is ``1 - exp(-dt / time_constant)`` for the ``dt`` since the person's last one, which is the
    exact response of a first-order low pass to scores that change in steps: the sampling rate does not change it, and
    neither do irregular times. Averages of probabilities still sum to 1.
    """
    last: dict[int, tuple[float, tuple[float, ...]]] = {}
    for row in rows:
        faces = []
        for face in row.faces:
            scores = face.scores
            if face.person in last:
                then, before = last[face.person]
                weight = 1.0 - math.exp(-(row.time - then) / time_constant)
                scores = tuple(b + weight * (s - b) for b, s in zip(before, scores, strict=True))
            last[face.person] = (row.time, scores)
            faces.append(_with_scores(face, scores, labels))
        if len(last) > len(faces):
            last = {person: seen for person, seen in last.items() if row.time - seen[0] <= 10 * MAX_LOSS}
        yield replace(row, faces=tuple(faces))


def _with_scores(face: FaceRow, scores: tuple[float, ...], labels: tuple[str, ...]) -> FaceRow:
    best = max(range(len(scores)), key=scores.__getitem__)
    return replace(face, scores=scores, emotion=labels[best], score=scores[best])
