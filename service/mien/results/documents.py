"""The members of the API's answers as frozen dataclasses.

``docs/api.md`` and ``docs/video.md`` describe every member. Boxes and landmarks are in pixels of the upright picture,
times in seconds, scores and confidences between 0 and 1; numbers are rounded as in the API.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from mien.domain import Box, Landmarks, Quality
from mien.errors import InvalidRequest
from mien.timeline.model import Person, Segment

__all__ = [
    "Box",
    "Face",
    "FacesPerFrame",
    "Landmarks",
    "Person",
    "PersonFace",
    "Quality",
    "Segment",
    "Summary",
    "TimelineFrame",
    "Video",
    "convert",
    "plain",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a picture; ``scores`` has one probability per label."""

    box: Box
    confidence: float
    landmarks: Landmarks
    emotion: str
    score: float
    uncertain: bool
    scores: dict[str, float]
    valence: float
    quality: Quality


@dataclass(frozen=True, slots=True)
class PersonFace:
    """One face of one frame of a clip; ``person`` is its number in ``people``."""

    person: int
    box: Box
    confidence: float
    emotion: str
    score: float
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class TimelineFrame:
    """One analysed frame; ``frame`` is its number in the clip, from 0."""

    time: float
    frame: int
    faces: tuple[PersonFace, ...]


@dataclass(frozen=True, slots=True)
class FacesPerFrame:
    """``mean`` is weighted by time."""

    mean: float
    max: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The whole clip: each emotion's share of all people's screen time."""

    dominant: str | None
    share: dict[str, float]
    faces_per_frame: FacesPerFrame


@dataclass(frozen=True, slots=True)
class Video:
    """The clip as it was read; ``rotation`` is clockwise, in degrees."""

    duration: float
    width: int
    height: int
    frames_decoded: int
    frames_analyzed: int
    rotation: int
    codec: str
    warnings: tuple[str, ...]


def convert(document: Mapping[str, Any], kind: type[T]) -> T:
    """``document`` as ``kind``; members that are unknown here, those of a newer service, are left out.

    Raises:
        InvalidRequest: a member is missing or of another type.
    """
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise InvalidRequest(
            f"This is not the document of a {kind.__name__} ({error}); is the service of another version?"
        ) from None


def plain(value: object) -> Any:
    """A dataclass as what ``json.loads`` would give: dictionaries, lists, numbers and strings."""
    return msgspec.json.decode(msgspec.json.encode(value))
