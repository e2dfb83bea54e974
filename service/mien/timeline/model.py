"""Data of a timeline: compact frozen rows, so that an hour of them is small.

Times are presentation times in seconds; scores are tuples in the order of the label set of the analysis.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mien.domain import Box


@dataclass(frozen=True, slots=True)
class FaceRow:
    """One face of one sampled frame, with the number of the person it belongs to (from 1)."""

    person: int
    box: Box
    confidence: float
    emotion: str
    score: float
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class FrameRow:
    """One sampled frame, with or without faces, which are in order of their person numbers."""

    time: float
    frame: int
    scene: int
    faces: tuple[FaceRow, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """The time ``start <= time < end`` in which one person mostly showed one emotion.

    ``mean_score`` is that emotion's mean over the segment, weighted by time; ``peak_time`` is when it scored highest.
    """

    start: float
    end: float
    emotion: str
    mean_score: float
    peak_time: float


@dataclass(frozen=True, slots=True)
class Person:
    """One person over the clip. ``screen_time`` counts the sampled frames' durations; means are weighted by them."""

    person: int
    first_seen: float
    last_seen: float
    screen_time: float
    dominant: str
    mean_scores: Mapping[str, float]
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """The whole clip: ``share`` is each emotion's part of all people's screen time (sums to 1, empty if no face)."""

    dominant: str | None
    share: Mapping[str, float]
    mean_faces: float
    max_faces: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Rows, people and summary of one clip."""

    labels: tuple[str, ...]
    rows: Sequence[FrameRow]
    people: Sequence[Person]
    summary: Summary
