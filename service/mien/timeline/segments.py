"""Segments: when a person showed which emotion. Runs of one emotion, summed up as samples come, short ones merged."""

from array import array
from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from mien.timeline.model import Segment
from mien.timeline.tracker import MAX_GAP

MARGIN = 0.1
"""By how much another emotion must lead to take over; less is flicker between two equally likely ones."""

MIN_LENGTH = 0.4
"""Seconds that a segment next to others must last; a shorter one is merged into its longer neighbour."""

_ROUNDING = 1e-6  # s; times are sums of fractions

# The members of a packed run; after them each emotion's score times seconds, highest score, and time of that.
_START, _END, _LAST_SEEN, _SECONDS, _EMOTION, _SUMS = range(6)


class EmotionRuns:
    """One person's samples as runs of one emotion each, in order of time.

    A run ends when another emotion leads by more than ``MARGIN``, or after more than ``MAX_GAP`` seconds out of sight.
    Only sums and maxima of a run are kept, as 64-bit numbers: 29 with eight emotions.
    """

    __slots__ = ("_emotions", "_values")

    def __init__(self, emotions: int) -> None:
        self._emotions = emotions
        self._values = array("d")

    def add(self, time: float, span: float, scores: Sequence[float]) -> None:
        """Scores that hold from ``time`` for ``span`` seconds, until the next sampled frame; times grow."""
        values, width = self._values, _SUMS + 3 * self._emotions
        best = max(range(self._emotions), key=scores.__getitem__)
        at = len(values) - width
        if at >= 0 and time - values[at + _END] <= MAX_GAP + _ROUNDING:
            current = int(values[at + _EMOTION])
            if best == current or scores[best] - scores[current] <= MARGIN:
                self._extend(at, time, span, scores)
                return
        values.extend((time, time + span, time, span, best))
        values.extend([span * score for score in scores])
        values.extend(scores)
        values.extend([time] * self._emotions)

    def _extend(self, at: int, time: float, span: float, scores: Sequence[float]) -> None:
        values = self._values
        values[at + _END] = time + span
        values[at + _LAST_SEEN] = time
        values[at + _SECONDS] += span
        sums, peaks = at + _SUMS, at + _SUMS + self._emotions
        for emotion, score in enumerate(scores):
            values[sums + emotion] += span * score
            if score > values[peaks + emotion]:
                values[peaks + emotion] = score
                values[peaks + self._emotions + emotion] = time

    def __len__(self) -> int:
        return len(self._values) // (_SUMS + 3 * self._emotions)

    def appearances(self) -> Iterator[range]:
        """Ranges of runs between which the person was never out of sight for more than ``MAX_GAP`` seconds."""
        first = 0
        for at in range(1, len(self)):
            if self.start(at) - self.end(at - 1) > MAX_GAP + _ROUNDING:
                yield range(first, at)
                first = at
        yield range(first, len(self))

    def start(self, at: int) -> float:
        """When run ``at`` began, in seconds."""
        return self._member(at, _START)

    def end(self, at: int) -> float:
        """When the next sampled frame after run ``at`` was shown."""
        return self._member(at, _END)

    def last_seen(self) -> float:
        """The time of the last sample."""
        return self._member(len(self) - 1, _LAST_SEEN)

    def seconds(self, runs: range) -> float:
        """Total duration of the samples of ``runs``."""
        return sum(self._member(at, _SECONDS) for at in runs)

    def emotion(self, at: int) -> int:
        """The emotion of run ``at``, as an index into the labels."""
        return int(self._member(at, _EMOTION))

    def mean(self, runs: range, emotion: int) -> float:
        """The mean score of ``emotion`` over ``runs``, weighted by time.

        Times grow, so only the last frame of a clip can have no duration: for a single sample there, its score.
        """
        total = self.seconds(runs)
        weighted = sum(self._member(at, _SUMS + emotion) for at in runs)
        return weighted / total if total > 0 else self._peak(self._highest(runs, emotion), emotion)

    def peak_time(self, runs: range, emotion: int) -> float:
        """When ``emotion`` first reached its highest score in ``runs``."""
        return self._member(self._highest(runs, emotion), _SUMS + 2 * self._emotions + emotion)

    def _highest(self, runs: range, emotion: int) -> int:
        return max(runs, key=lambda at: self._peak(at, emotion))

    def _peak(self, at: int, emotion: int) -> float:
        return self._member(at, _SUMS + self._emotions + emotion)

    def _member(self, at: int, member: int) -> float:
        return self._values[at * (_SUMS + 3 * self._emotions) + member]


class _Part(NamedTuple):
    """Runs ``first`` to ``end``, exclusive, counted as one emotion."""

    first: int
    end: int
    emotion: int


def segments(runs: EmotionRuns, labels: tuple[str, ...]) -> tuple[Segment, ...]:
    """One person's segments in order of time.

    Segments touch, except where the person was out of sight for more than ``MAX_GAP`` seconds.
    """
    parts = [part for appearance in runs.appearances() for part in _merge_short(runs, appearance)]
    return tuple(
        Segment(
            start=runs.start(part.first),
            end=runs.end(part.end - 1),
            emotion=labels[part.emotion],
            mean_score=runs.mean(range(part.first, part.end), part.emotion),
            peak_time=runs.peak_time(range(part.first, part.end), part.emotion),
        )
        for part in parts
    )


def _merge_short(runs: EmotionRuns, appearance: range) -> list[_Part]:
    """Merge the shortest part into its longer neighbour until none is too short; the earlier one if equally long."""

    def length(part: _Part) -> float:
        return runs.end(part.end - 1) - runs.start(part.first)

    parts = [_Part(at, at + 1, runs.emotion(at)) for at in appearance]
    by_first = {part.first: part for part in parts}
    by_end = {part.end: part for part in parts}
    shortest = [(length(part), part) for part in parts]
    heapify(shortest)
    while len(by_first) > 1:
        seconds, short = heappop(shortest)
        if by_first.get(short.first) != short:
            continue  # already merged
        if seconds >= MIN_LENGTH - _ROUNDING:
            break
        neighbours = [part for part in (by_end.get(short.first), by_first.get(short.end)) if part is not None]
        emotion = max(neighbours, key=length).emotion
        # Both neighbours, if the short part was all that separated two of the same emotion.
        merged = sorted([short, *(part for part in neighbours if part.emotion == emotion)])
        for part in merged:
            del by_first[part.first], by_end[part.end]
        whole = _Part(merged[0].first, merged[-1].end, emotion)
        by_first[whole.first] = by_end[whole.end] = whole
        heappush(shortest, (length(whole), whole))
    return sorted(by_first.values())
