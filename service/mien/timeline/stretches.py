"""What one person showed, summed up while rows come: packed, so that it stays small however often it changes."""

from array import array
from collections.abc import Iterator, Sequence

from mien.timeline.tracker import MAX_LOSS

MARGIN = 0.1
"""By how much another emotion must lead before it takes over; less is flicker between two that are as likely."""

ROUNDING = 1e-6  # s; times are sums of fractions

# The members of a packed stretch; after them each emotion's score times seconds, highest score, and time of that.
_START, _END, _LAST, _SECONDS, _EMOTION, _SUMS = range(6)


class Stretches:
    """One person's samples as stretches that show one emotion each, in order of time.

    A stretch ends where another emotion leads by more than ``MARGIN``, or after more than ``MAX_LOSS`` seconds out of
    sight. Of each only sums and maxima are kept, as 64-bit numbers: 29 of them with eight emotions.
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
        if at >= 0 and time - values[at + _END] <= MAX_LOSS + ROUNDING:
            before = int(values[at + _EMOTION])
            if best == before or scores[best] - scores[before] <= MARGIN:
                self._extend(at, time, span, scores)
                return
        values.extend((time, time + span, time, span, best))
        values.extend([span * score for score in scores])
        values.extend(scores)
        values.extend([time] * self._emotions)

    def _extend(self, at: int, time: float, span: float, scores: Sequence[float]) -> None:
        values = self._values
        values[at + _END] = time + span
        values[at + _LAST] = time
        values[at + _SECONDS] += span
        sums, peaks = at + _SUMS, at + _SUMS + self._emotions
        for emotion, score in enumerate(scores):
            values[sums + emotion] += span * score
            if score > values[peaks + emotion]:
                values[peaks + emotion] = score
                values[peaks + self._emotions + emotion] = time

    def __len__(self) -> int:
        return len(self._values) // (_SUMS + 3 * self._emotions)

    def runs(self) -> Iterator[range]:
        """The stretches between which the person was never out of sight for more than ``MAX_LOSS`` seconds."""
        first = 0
        for at in range(1, len(self)):
            if self.start(at) - self.end(at - 1) > MAX_LOSS + ROUNDING:
                yield range(first, at)
                first = at
        yield range(first, len(self))

    def start(self, at: int) -> float:
        """When stretch ``at`` began, in seconds."""
        return self._member(at, _START)

    def end(self, at: int) -> float:
        """When the next sampled frame after stretch ``at`` was shown."""
        return self._member(at, _END)

    def last_seen(self) -> float:
        """The time of the last sample."""
        return self._member(len(self) - 1, _LAST)

    def seconds(self, stretches: range) -> float:
        """How long the samples of these held."""
        return sum(self._member(at, _SECONDS) for at in stretches)

    def emotion(self, at: int) -> int:
        """The emotion of stretch ``at``, as its place among the labels."""
        return int(self._member(at, _EMOTION))

    def mean(self, stretches: range, emotion: int) -> float:
        """The mean score of ``emotion`` over these, weighted by time.

        Times grow, so that only the last frame of a clip can have no duration: of a sample that is alone there, it is
        the score itself.
        """
        total = self.seconds(stretches)
        weighted = sum(self._member(at, _SUMS + emotion) for at in stretches)
        return weighted / total if total > 0 else self._peak(self._highest(stretches, emotion), emotion)

    def peak_time(self, stretches: range, emotion: int) -> float:
        """When ``emotion`` scored highest in these, for the first time."""
        return self._member(self._highest(stretches, emotion), _SUMS + 2 * self._emotions + emotion)

    def _highest(self, stretches: range, emotion: int) -> int:
        return max(stretches, key=lambda at: self._peak(at, emotion))

    def _peak(self, at: int, emotion: int) -> float:
        return self._member(at, _SUMS + self._emotions + emotion)

    def _member(self, at: int, member: int) -> float:
        return self._values[at * (_SUMS + 3 * self._emotions) + member]
