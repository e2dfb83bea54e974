"""When a person showed what: stretches of one emotion each."""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
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
    """Samples ``first`` to ``end`` of a run, ``end`` not among them, that show one emotion."""

    first: int
    end: int
    label: int


def segments(samples: Sequence[Sample], labels: tuple[str, ...]) -> tuple[Segment, ...]:
    """One person's segments in order of time. ``samples`` are all of that person's, in order of time.

    Segments touch, except where the person was out of sight for more than ``MAX_LOSS`` seconds.
    """
    return tuple(
        _segment(run[stretch.first : stretch.end], stretch.label, labels)
        for run in _runs(samples)
        for stretch in _long_enough(run, _by_hysteresis(run))
    )


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
    return [_Stretch(a, b, marks[a]) for a, b in pairwise(begins)]


def _long_enough(run: list[Sample], stretches: list[_Stretch]) -> list[_Stretch]:
    """The shortest joins the longer of its neighbours, as long as it is too short; of equals it is the earlier one."""

    def length(stretch: _Stretch) -> float:
        return run[stretch.end - 1].end - run[stretch.first].time

    starting = {stretch.first: stretch for stretch in stretches}
    ending = {stretch.end: stretch for stretch in stretches}
    shortest = [(length(stretch), stretch) for stretch in stretches]
    heapify(shortest)
    while len(starting) > 1:
        seconds, short = heappop(shortest)
        if starting.get(short.first) != short:
            continue  # it has been joined since
        if seconds >= MIN_LENGTH - _ROUNDING:
            break
        beside = [found for found in (ending.get(short.first), starting.get(short.end)) if found is not None]
        label = max(beside, key=length).label
        # Both of them, where it was all that kept two of one emotion apart.
        parts = sorted([short, *(found for found in beside if found.label == label)])
        for part in parts:
            del starting[part.first], ending[part.end]
        whole = _Stretch(parts[0].first, parts[-1].end, label)
        starting[whole.first] = ending[whole.end] = whole
        heappush(shortest, (length(whole), whole))
    return sorted(starting.values())


def _segment(samples: Sequence[Sample], label: int, labels: tuple[str, ...]) -> Segment:
    total = sum(s.span for s in samples)
    weighted = sum(s.span * s.scores[label] for s in samples)
    peak = max(samples, key=lambda s: s.scores[label])
    mean = weighted / total if total > 0 else peak.scores[label]
    return Segment(samples[0].time, samples[-1].end, labels[label], mean, peak.time)
