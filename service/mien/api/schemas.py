"""The JSON answers of ``POST /predict`` and ``POST /analyze-video``, described for OpenAPI.

The answers themselves are written by ``mien.usecases.picture_document`` and ``video_document``; the tests validate them
against these models.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from mien.domain import LABELS, LabelSet

Point = tuple[float, float]
Emotion = Annotated[str, WithJsonSchema({"type": "string", "enum": list(LABELS[LabelSet.FERPLUS8])})]
"""The labels of all label sets; ``ferplus8`` has every one."""
Reason = Annotated[
    str, WithJsonSchema({"type": "string", "enum": ["small", "blurred", "dark", "bright", "turned", "cut"]})
]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BoxOut(_Answer):
    """Pixels of the upright picture, clipped to it."""

    x: float = Field(description="left edge")
    y: float = Field(description="top edge")
    width: float = Field(description="from the left to the right edge")
    height: float = Field(description="from the top to the bottom edge")


class LandmarksOut(_Answer):
    """Five points in pixels of the upright picture; right and left are the subject's own."""

    right_eye: Point = Field(description="x and y of the right eye's centre")
    left_eye: Point = Field(description="x and y of the left eye's centre")
    nose: Point = Field(description="x and y of the tip of the nose")
    right_mouth: Point = Field(description="x and y of the right corner of the mouth")
    left_mouth: Point = Field(description="x and y of the left corner of the mouth")


class QualityOut(_Answer):
    """How well the face can be assessed; ``reasons`` is empty exactly when ``ok``."""

    sharpness: float = Field(description="0 (blurred) to 1 (sharp)")
    brightness: float = Field(description="mean grey value of the face, 0 (black) to 1 (white)")
    size: float = Field(description="shorter side of the box in pixels")
    pose: float = Field(description="0 is frontal; 0.5 and above is a half profile or more")
    ok: bool = Field(description="the face is good enough to be assessed")
    reasons: list[Reason] = Field(description="why it is not")


class FaceOut(_Answer):
    """One face."""

    box: BoxOut = Field(description="where the face is")
    confidence: float = Field(description="the detector's score, 0 to 1")
    landmarks: LandmarksOut = Field(description="where its eyes, nose and mouth are")
    emotion: Emotion = Field(description="the label with the highest score")
    score: float = Field(description="probability of `emotion`")
    uncertain: bool = Field(
        description="no label is expected to get half of the votes, or which way is up is not clear"
    )
    scores: dict[str, float] = Field(description="one probability per label; they sum to 1 within 0.0005")
    valence: float = Field(description="from -1 (unpleasant) to 1 (pleasant)")
    quality: QualityOut = Field(description="how well this face can be assessed")


class PictureErrorOut(_Answer):
    """Why one of several pictures could not be read: the members of the problem that it would have got alone."""

    model_config = ConfigDict(extra="allow")

    code: str = Field(description="stable identifier of the error, for programs")
    status: int = Field(description="the HTTP status that the picture would have got alone")
    title: str = Field(description="the kind of error, in a few words")
    detail: str = Field(description="what was wrong, and what to do about it")


class PictureOut(_Answer):
    """The result of one picture: its faces, or an error."""

    index: int = Field(description="its position among the pictures sent, from 0")
    name: str | None = Field(description="its file name, if the form gave one")
    width: int | None = Field(description="pixels of the upright picture; null when it could not be read")
    height: int | None = Field(description="pixels of the upright picture; null when it could not be read")
    warnings: list[str] = Field(
        description="sentences about parts that could not be read, and faces too small to be looked for"
    )
    faces: list[FaceOut] = Field(description="the faces found")
    error: PictureErrorOut | None = Field(description="why it could not be read; null if it was")


class TimingOut(_Answer):
    """Milliseconds. Stages are summed over the pictures and may overlap; ``total`` is wall-clock time."""

    queue: float = Field(description="waiting for a thread and a worker")
    decode: float = Field(description="decoding pictures or frames")
    detect: float = Field(description="detecting faces")
    classify: float = Field(description="classifying faces")
    total: float = Field(description="from the end of the upload to the answer")


class PredictOut(_Answer):
    """The answer of ``POST /predict``."""

    request_id: str = Field(description="as in the X-Request-ID header and the service's log")
    images: list[PictureOut] = Field(description="one entry per picture, in the order sent")
    models: dict[str, str] = Field(description="name and version of the models used")
    timing_ms: TimingOut = Field(description="duration of each stage in milliseconds")


class VideoOut(_Answer):
    """The clip as read; ``width`` and ``height`` are of the upright picture, ``rotation`` is clockwise in degrees."""

    duration: float = Field(description="seconds, as far as the clip could be read")
    width: int = Field(description="pixels of the upright frame")
    height: int = Field(description="pixels of the upright frame")
    frames_decoded: int = Field(description="frames read")
    frames_analyzed: int = Field(description="frames that were analysed")
    rotation: int = Field(description="degrees clockwise by which the stored frames are rotated to be upright")
    codec: str = Field(description="codec of the frames, e.g. h264")
    warnings: list[str] = Field(description="sentences about what could not be read or was not looked for")


class VideoFaceOut(_Answer):
    """One face of one frame; ``person`` is the number of its track."""

    person: int = Field(description="the person's number in `people`")
    box: BoxOut = Field(description="where the face is")
    confidence: float = Field(description="the detector's score, 0 to 1")
    emotion: Emotion = Field(description="the label with the highest score")
    score: float = Field(description="probability of `emotion`")
    scores: dict[str, float] = Field(description="one probability per label, smoothed over time if requested")


class FrameOut(_Answer):
    """One sampled frame, with or without faces."""

    time: float = Field(description="presentation time in seconds")
    frame: int = Field(description="its number in the clip, from 0")
    faces: list[VideoFaceOut] = Field(description="the faces in this frame")


class SegmentOut(_Answer):
    """A stretch in which a person mostly showed one emotion."""

    start: float = Field(description="seconds into the clip")
    end: float = Field(description="seconds into the clip")
    emotion: Emotion = Field(description="the dominant label")
    mean_score: float = Field(description="mean probability of `emotion` over the stretch")
    peak_time: float = Field(description="when `emotion` was strongest, in seconds into the clip")


class PersonOut(_Answer):
    """One person over the clip; means are weighted by time."""

    person: int = Field(description="the number that the timeline's faces carry")
    first_seen: float = Field(description="seconds into the clip")
    last_seen: float = Field(description="seconds into the clip")
    screen_time: float = Field(description="seconds for which the person is visible")
    dominant: Emotion = Field(description="the label with the highest mean score")
    mean_scores: dict[str, float] = Field(description="mean probability per label")
    segments: list[SegmentOut] = Field(description="stretches of one emotion, in order")


class FacesPerFrameOut(_Answer):
    """The mean is weighted by time."""

    mean: float = Field(description="mean number of faces per frame")
    max: int = Field(description="largest number of faces in a frame")


class SummaryOut(_Answer):
    """The whole clip: each emotion's share of all people's screen time."""

    dominant: Emotion | None = Field(description="the label with the largest share; null without faces")
    share: dict[str, float] = Field(
        description="each label's share of all screen time, summing to 1; empty without faces"
    )
    faces_per_frame: FacesPerFrameOut = Field(description="number of faces per frame")


class AnalyzeVideoOut(_Answer):
    """The answer of ``POST /analyze-video``."""

    request_id: str = Field(description="as in the X-Request-ID header and the service's log")
    video: VideoOut = Field(description="the clip as read")
    timeline: list[FrameOut] = Field(description="the analysed frames, in order")
    people: list[PersonOut] = Field(description="the people in the clip")
    summary: SummaryOut = Field(description="a summary of the whole clip")
    models: dict[str, str] = Field(description="name and version of the models used")
    timing_ms: TimingOut = Field(description="duration of each stage in milliseconds")
