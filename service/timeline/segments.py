"""When a person showed what: stretches of one emotion each."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from service.timeline.model import Segment
from service.timeline.tracker import MAX_LOSS

MARGIN = 0.1
"""By how much another emotion must lead before it takes over; less is flicker between two that are as likely."""

MIN_LENGTH = 0.4
"""Seconds that a stretch must last beside others; a shorter one goes to its longer neighbour."""

_ROUNDING = 1e-6


class Sample(NamedTuple):
    """One person's scores, holding from ``time`` for ``span`` seconds until the next sampled frame."""

    time: float
    span: float
    scores: tuple[float, ...]

    @property
    def end(self) -> float:
        """When the next sampled frame was shown."""
        return self.time + self.span


class _Stretch(NamedTuple):
    label: int
    samples: tuple[Sample, ...]

    @property
    def length(self) -> float:
        return self.samples[-1].end - self.samples[0].time


def segments(samples: Sequence[Sample], labels: tuple[str, ...]) -> tuple[Segment, ...]:
    """One person's segments in order of time. ``samples`` are all of that person's, in order of time.

    Segments touch, except where the person was out of sight for more than ``MAX_LOSS`` seconds.
    """
    return tuple(_segment(stretch, labels) for run in _runs(samples) for stretch in _long_enough(_by_hysteresis(run)))


def _runs(samples: Sequence[Sample]) -> list[list[Sample]]:
    runs: list[list[Sample]] = []
    for sample in samples:
        if not runs or sample.time - runs[-1][-1].end > MAX_LOSS + _ROUNDING:
            runs.append([])
        runs[-1].append(sample)
    return runs


def _by_hysteresis(run: list[Sample]) -> list[_Stretch]:
    marks: list[int] = []
    for sample in run:
        best = max(range(len(sample.scores)), key=sample.scores.__getitem__)
        if marks and sample.scores[best] - sample.scores[marks[-1]] <= MARGIN:
            best = marks[-1]
        marks.append(best)
    begins = [0, *(at + 1 for at, (a, b) in enumerate(pairwise(marks)) if a != b), len(run)]
    return [_Stretch(marks[a], tuple(run[a:b])) for a, b in pairwise(begins)]


def _long_enough(stretches: list[_Stretch]) -> list[_Stretch]:
    kept = list(stretches)
    while len(kept) > 1:
        at = min(range(len(kept)), key=lambda i: (kept[i].length, i))
        if kept[at].length >= MIN_LENGTH - _ROUNDING:
            break
        beside = [i for i in (at - 1, at + 1) if 0 <= i < len(kept)]
        into = max(beside, key=lambda i: kept[i].length)
        kept[at] = _Stretch(kept[into].label, kept[at].samples)
        kept = _joined(kept)
    return kept


def _joined(stretches: list[_Stretch]) -> list[_Stretch]:
    joined: list[_Stretch] = []
    for stretch in stretches:
        if joined and joined[-1].label == stretch.label:
            joined[-1] = _Stretch(stretch.label, joined[-1].samples + stretch.samples)
        else:
            joined.append(stretch)
    return joined


def _segment(stretch: _Stretch, labels: tuple[str, ...]) -> Segment:
    total = sum(s.span for s in stretch.samples)
    weighted = sum(s.span * s.scores[stretch.label] for s in stretch.samples)
    peak = max(stretch.samples, key=lambda s: s.scores[stretch.label])
    mean = weighted / total if total > 0 else peak.scores[stretch.label]
    return Segment(stretch.samples[0].time, stretch.samples[-1].end, labels[stretch.label], mean, peak.time)
