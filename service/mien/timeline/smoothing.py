"""Temporal smoothing of each person's scores."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from mien.timeline.model import FaceRow, FrameRow
from mien.timeline.tracker import MAX_GAP

TIME_CONSTANT = 0.25
"""Seconds after which 63 % of a change has taken effect."""


def smooth(
    rows: Iterable[FrameRow], labels: tuple[str, ...], time_constant: float = TIME_CONSTANT
) -> Iterator[FrameRow]:
    """One smoothed row per row, in order, as they come: see ``Smoother``."""
    return map(Smoother(labels, time_constant).add, rows)


Averages = Mapping[int, tuple[float, tuple[float, ...]]]
"""By person: the time of the last sample, and the averaged scores."""


class Smoother:
    """Exponential moving average of each person's scores over time; emotion and score follow the averaged ones.

    A sample's weight is ``1 - exp(-dt / time_constant)`` for the ``dt`` since the person's last one: the exact response
    of a first-order low-pass filter to scores that change in steps, independent of the sampling rate and of irregular
    times. Averages of probabilities still sum to 1. ``averages`` is all that it remembers.
    """

    def __init__(
        self, labels: tuple[str, ...], time_constant: float = TIME_CONSTANT, averages: Averages = MappingProxyType({})
    ) -> None:
        self._labels = labels
        self._time_constant = time_constant
        self.averages = averages

    def add(self, row: FrameRow) -> FrameRow:
        """The next row, smoothed."""
        last, faces = dict(self.averages), []
        for face in row.faces:
            scores = face.scores
            if face.person in last:
                last_time, before = last[face.person]
                weight = 1.0 - math.exp(-(row.time - last_time) / self._time_constant)
                scores = tuple(b + weight * (s - b) for b, s in zip(before, scores, strict=True))
            last[face.person] = (row.time, scores)
            faces.append(_with_scores(face, scores, self._labels))
        if len(last) > len(faces):
            last = {person: entry for person, entry in last.items() if row.time - entry[0] <= 10 * MAX_GAP}
        self.averages = last
        return replace(row, faces=tuple(faces))


def _with_scores(face: FaceRow, scores: tuple[float, ...], labels: tuple[str, ...]) -> FaceRow:
    best = max(range(len(scores)), key=scores.__getitem__)
    return replace(face, scores=scores, emotion=labels[best], score=scores[best])
