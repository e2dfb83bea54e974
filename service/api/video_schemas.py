"""The wire shapes of ``POST /analyze-video`` for the OpenAPI page.

Answers are written by ``service.usecases.video_document``, row by row: an hour of rows as models would fill the memory.
The tests hold the two together.
"""

from pydantic import BaseModel, ConfigDict, Field

from service.api.schemas import BoxOut, TimingOut


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class VideoOut(_Wire):
    """The clip as read; ``width`` and ``height`` are of the upright picture, ``rotation`` is clockwise in degrees."""

    duration: float = Field(description="seconds, as far as the clip could be read")
    width: int
    height: int
    frames_decoded: int
    frames_analyzed: int
    rotation: int
    codec: str
    warnings: list[str] = Field(description="what could not be read, and until when the clip could")


class VideoFaceOut(_Wire):
    """One face of one frame; ``person`` is the number that it keeps while it is followed."""

    person: int
    box: BoxOut
    confidence: float
    emotion: str
    score: float
    scores: dict[str, float]


class FrameOut(_Wire):
    """One sampled frame, also where nobody is seen."""

    time: float = Field(description="presentation time in seconds")
    frame: int = Field(description="its number in the clip, from 0")
    faces: list[VideoFaceOut]


class SegmentOut(_Wire):
    """A stretch in which a person mostly showed one emotion."""

    start: float
    end: float
    emotion: str
    mean_score: float
    peak_time: float


class PersonOut(_Wire):
    """One person over the clip; means are weighted by time."""

    person: int
    first_seen: float
    last_seen: float
    screen_time: float
    dominant: str
    mean_scores: dict[str, float]
    segments: list[SegmentOut]


class FacesPerFrameOut(_Wire):
    """The mean is weighted by time."""

    mean: float
    max: int


class SummaryOut(_Wire):
    """The whole clip: each emotion's share of all people's screen time."""

    dominant: str | None
    share: dict[str, float]
    faces_per_frame: FacesPerFrameOut


class AnalyzeVideoOut(_Wire):
    """The answer of ``POST /analyze-video``."""

    request_id: str
    video: VideoOut
    timeline: list[FrameOut]
    people: list[PersonOut]
    summary: SummaryOut
    models: dict[str, str]
    timing_ms: TimingOut
