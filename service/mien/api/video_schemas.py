"""The wire shapes of ``POST /analyze-video`` for the OpenAPI page.

Answers are written by ``mien.usecases.video_document``, row by row: an hour of rows as models would fill the memory.
The tests hold the two together.
"""

from pydantic import BaseModel, ConfigDict, Field

from mien.api.schemas import BoxOut, Emotion, TimingOut


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class VideoOut(_Wire):
    """The clip as read; ``width`` and ``height`` are of the upright picture, ``rotation`` is clockwise in degrees."""

    duration: float = Field(description="seconds, as far as the clip could be read")
    width: int = Field(description="pixels of the upright frame")
    height: int = Field(description="pixels of the upright frame")
    frames_decoded: int = Field(description="frames read")
    frames_analyzed: int = Field(description="frames in which faces were searched")
    rotation: int = Field(description="degrees clockwise by which the stored frames are rotated to be upright")
    codec: str = Field(description="how the frames are coded, e.g. h264")
    warnings: list[str] = Field(description="what could not be read, and until when the clip could")


class VideoFaceOut(_Wire):
    """One face of one frame; ``person`` is the number that it keeps while it is followed."""

    person: int = Field(description="the person's number in `people`")
    box: BoxOut = Field(description="where the face is")
    confidence: float = Field(description="how sure the detector is that this is a face, 0 to 1")
    emotion: Emotion = Field(description="the label with the highest score")
    score: float = Field(description="probability of `emotion`")
    scores: dict[str, float] = Field(description="a probability a label, smoothed over time as asked")


class FrameOut(_Wire):
    """One sampled frame, also where nobody is seen."""

    time: float = Field(description="presentation time in seconds")
    frame: int = Field(description="its number in the clip, from 0")
    faces: list[VideoFaceOut] = Field(description="the faces in this frame")


class SegmentOut(_Wire):
    """A stretch in which a person mostly showed one emotion."""

    start: float = Field(description="seconds into the clip")
    end: float = Field(description="seconds into the clip")
    emotion: Emotion = Field(description="the label that prevails")
    mean_score: float = Field(description="mean probability of `emotion` over the stretch")
    peak_time: float = Field(description="when `emotion` was strongest, in seconds into the clip")


class PersonOut(_Wire):
    """One person over the clip; means are weighted by time."""

    person: int = Field(description="the number that the timeline's faces carry")
    first_seen: float = Field(description="seconds into the clip")
    last_seen: float = Field(description="seconds into the clip")
    screen_time: float = Field(description="seconds for which the person is seen")
    dominant: Emotion = Field(description="the label with the highest mean score")
    mean_scores: dict[str, float] = Field(description="mean probability a label")
    segments: list[SegmentOut] = Field(description="the stretches of one emotion, in order")


class FacesPerFrameOut(_Wire):
    """The mean is weighted by time."""

    mean: float = Field(description="faces a frame on average")
    max: int = Field(description="faces in the fullest frame")


class SummaryOut(_Wire):
    """The whole clip: each emotion's share of all people's screen time."""

    dominant: Emotion | None = Field(description="the label with the largest share; null when no face was seen")
    share: dict[str, float] = Field(
        description="each label's share of all screen time, summing to 1; empty without faces"
    )
    faces_per_frame: FacesPerFrameOut = Field(description="how many faces a frame has")


class AnalyzeVideoOut(_Wire):
    """The answer of ``POST /analyze-video``."""

    request_id: str = Field(description="the same as in the X-Request-ID header; the service's log has it")
    video: VideoOut = Field(description="the clip as read")
    timeline: list[FrameOut] = Field(description="the frames looked at, in order")
    people: list[PersonOut] = Field(description="the people followed")
    summary: SummaryOut = Field(description="the whole clip in a few numbers")
    models: dict[str, str] = Field(description="name and version of the models that answered")
    timing_ms: TimingOut = Field(description="what took how long, in milliseconds")
