"""Rows of a timeline, in short notation."""

from collections.abc import Callable, Sequence

from mien.domain import LABELS, Box, LabelSet
from mien.timeline.model import FaceRow, FrameRow

LABELS8 = LABELS[LabelSet.FERPLUS8]
BOX = Box(10.0, 20.0, 60.0, 80.0)


def scores(**given: float) -> tuple[float, ...]:
    """The scores named, the rest distributed evenly."""
    rest = (1.0 - sum(given.values())) / (len(LABELS8) - len(given))
    return tuple(given.get(label, rest) for label in LABELS8)


def face(values: tuple[float, ...], person: int = 1, box: Box = BOX) -> FaceRow:
    """A face with these scores."""
    best = max(range(len(values)), key=values.__getitem__)
    return FaceRow(person, box, 0.9, LABELS8[best], values[best], values)


def rows_of(times: Sequence[float], at: Callable[[float], Sequence[FaceRow]], scene: int = 0) -> list[FrameRow]:
    """One row per time."""
    return [FrameRow(time, index, scene, tuple(at(time))) for index, time in enumerate(times)]
