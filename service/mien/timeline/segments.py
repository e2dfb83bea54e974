"""When a person showed what: stretches of one emotion each, the short ones joined to their neighbours."""

from heapq import heapify, heappop, heappush
from typing import NamedTuple

from mien.timeline.model import Segment
from mien.timeline.stretches import ROUNDING, Stretches

MIN_LENGTH = 0.4
"""Seconds that a stretch must last beside others; a shorter one goes to its longer neighbour."""


class _Part(NamedTuple):
    """Stretches ``first`` to ``end`` of a run, ``end`` not among them, that count as one emotion."""

    first: int
    end: int
    emotion: int


def segments(stretches: Stretches, labels: tuple[str, ...]) -> tuple[Segment, ...]:
    """One person's segments in order of time.

    Segments touch, except where the person was out of sight for more than ``MAX_LOSS`` seconds.
    """
    return tuple(_segment(stretches, part, labels) for run in stretches.runs() for part in _long_enough(stretches, run))


def _long_enough(stretches: Stretches, run: range) -> list[_Part]:
    """The shortest joins the longer of its neighbours, as long as it is too short; of equals it is the earlier one."""

    def length(part: _Part) -> float:
        return stretches.end(part.end - 1) - stretches.start(part.first)

    parts = [_Part(at, at + 1, stretches.emotion(at)) for at in run]
    starting = {part.first: part for part in parts}
    ending = {part.end: part for part in parts}
    shortest = [(length(part), part) for part in parts]
    heapify(shortest)
    while len(starting) > 1:
        seconds, short = heappop(shortest)
        if starting.get(short.first) != short:
            continue  # it has been joined since
        if seconds >= MIN_LENGTH - ROUNDING:
            break
        beside = [found for found in (ending.get(short.first), starting.get(short.end)) if found is not None]
        emotion = max(beside, key=length).emotion
        # Both of them, where it was all that kept two of one emotion apart.
        joined = sorted([short, *(found for found in beside if found.emotion == emotion)])
        for part in joined:
            del starting[part.first], ending[part.end]
        whole = _Part(joined[0].first, joined[-1].end, emotion)
        starting[whole.first] = ending[whole.end] = whole
        heappush(shortest, (length(whole), whole))
    return sorted(starting.values())


def _segment(stretches: Stretches, part: _Part, labels: tuple[str, ...]) -> Segment:
    within = range(part.first, part.end)
    return Segment(
        start=stretches.start(part.first),
        end=stretches.end(part.end - 1),
        emotion=labels[part.emotion],
        mean_score=stretches.mean(within, part.emotion),
        peak_time=stretches.peak_time(within, part.emotion),
    )
