"""The wire shapes of ``POST /predict``, made from the domain.

Boxes and landmarks are rounded to a hundredth of a pixel, and probabilities to four decimals, so that the scores of
one face still sum to 1 within 0.0005. Rounding also makes equal faces equal bytes.
"""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from mien.api.errors import problem_of
from mien.domain import LABELS, Box, Face, LabelSet, Landmarks, Quality
from mien.errors import MienError
from mien.usecases.pictures import PictureResult, PictureTimes

Point = tuple[float, float]
Emotion = Annotated[str, WithJsonSchema({"type": "string", "enum": list(LABELS[LabelSet.FERPLUS8])})]
"""Every word of every label set: the others leave some of these out."""
Reason = Annotated[
    str, WithJsonSchema({"type": "string", "enum": ["small", "blurred", "dark", "bright", "turned", "cut"]})
]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True)


class BoxOut(_Wire):
    """Pixels of the upright picture, clipped to it."""

    x: float = Field(description="left edge")
    y: float = Field(description="top edge")
    width: float = Field(description="from the left edge to the right one")
    height: float = Field(description="from the top edge to the bottom one")

    @classmethod
    def from_domain(cls, box: Box) -> Self:
        return cls(x=_pixel(box.x), y=_pixel(box.y), width=_pixel(box.width), height=_pixel(box.height))


class LandmarksOut(_Wire):
    """Five points in pixels of the upright picture; right and left are the subject's own."""

    right_eye: Point = Field(description="x and y of the right eye's centre")
    left_eye: Point = Field(description="x and y of the left eye's centre")
    nose: Point = Field(description="x and y of the tip of the nose")
    right_mouth: Point = Field(description="x and y of the right corner of the mouth")
    left_mouth: Point = Field(description="x and y of the left corner of the mouth")

    @classmethod
    def from_domain(cls, points: Landmarks) -> Self:
        return cls(
            right_eye=_point(points.right_eye),
            left_eye=_point(points.left_eye),
            nose=_point(points.nose),
            right_mouth=_point(points.right_mouth),
            left_mouth=_point(points.left_mouth),
        )


class QualityOut(_Wire):
    """How far the face can be judged at all; ``reasons`` is empty exactly when ``ok``."""

    sharpness: float = Field(description="0 (blurred) to 1 (sharp)")
    brightness: float = Field(description="mean grey value of the face, 0 (black) to 1 (white)")
    size: float = Field(description="shorter side of the box in pixels")
    pose: float = Field(description="0 looks straight ahead; 0.5 and above is a half profile or more")
    ok: bool = Field(description="nothing speaks against judging this face")
    reasons: list[Reason] = Field(description="what speaks against it")

    @classmethod
    def from_domain(cls, quality: Quality) -> Self:
        return cls(
            sharpness=_unit(quality.sharpness),
            brightness=_unit(quality.brightness),
            size=_pixel(quality.size),
            pose=_unit(quality.pose),
            ok=quality.ok,
            reasons=list(quality.reasons),
        )


class FaceOut(_Wire):
    """One face."""

    box: BoxOut = Field(description="where the face is")
    confidence: float = Field(description="how sure the detector is that this is a face, 0 to 1")
    landmarks: LandmarksOut = Field(description="where its eyes, nose and mouth are")
    emotion: Emotion = Field(description="the label with the highest score")
    score: float = Field(description="probability of `emotion`")
    uncertain: bool = Field(description="no label stands out enough to be relied on")
    scores: dict[str, float] = Field(description="a probability a label; they sum to 1 within 0.0005")
    valence: float = Field(description="from -1 (unpleasant) to 1 (pleasant)")
    quality: QualityOut = Field(description="how far this face can be judged")

    @classmethod
    def from_domain(cls, face: Face) -> Self:
        return cls(
            box=BoxOut.from_domain(face.box),
            confidence=_unit(face.confidence),
            landmarks=LandmarksOut.from_domain(face.landmarks),
            emotion=face.emotion,
            score=_unit(face.score),
            uncertain=face.uncertain,
            scores={label: _unit(score) for label, score in face.scores.items()},
            valence=_unit(face.valence),
            quality=QualityOut.from_domain(face.quality),
        )


class PictureErrorOut(_Wire):
    """Why one picture of several could not be read: the same code, status and words as its own problem would have."""

    model_config = ConfigDict(extra="allow")

    code: str = Field(description="a stable name of the kind of error, for programs")
    status: int = Field(description="the HTTP status that the picture alone would have had")
    title: str = Field(description="what kind of error it is, in a few words")
    detail: str = Field(description="what was wrong, and what to do about it")


class PictureOut(_Wire):
    """One picture's answer: its faces, or an error."""

    index: int = Field(description="its place among the pictures sent, from 0")
    name: str | None = Field(description="its file name, where the form gave one")
    width: int | None = Field(description="pixels of the upright picture; null when it could not be read")
    height: int | None = Field(description="pixels of the upright picture; null when it could not be read")
    warnings: list[str] = Field(description="what could not be read of it, in sentences; empty for a whole file")
    faces: list[FaceOut] = Field(description="the faces found")
    error: PictureErrorOut | None = Field(description="why it could not be read; null when it was")

    @classmethod
    def from_domain(cls, picture: PictureResult) -> Self:
        return cls(
            index=picture.index,
            name=picture.name,
            width=picture.width,
            height=picture.height,
            warnings=list(picture.warnings),
            faces=[FaceOut.from_domain(face) for face in picture.faces],
            error=None if picture.error is None else _picture_error(picture.error),
        )


class TimingOut(_Wire):
    """Milliseconds. Stages are summed over the pictures and may overlap; ``total`` is by the clock."""

    queue: float = Field(description="waiting for a thread and a worker")
    decode: float = Field(description="decoding pictures or frames")
    detect: float = Field(description="finding faces")
    classify: float = Field(description="judging faces")
    total: float = Field(description="from the end of the upload to the answer")

    @classmethod
    def from_domain(cls, times: PictureTimes, waited_ms: float) -> Self:
        return cls(
            queue=round(times.queue + waited_ms, 2),
            decode=round(times.decode, 2),
            detect=round(times.detect, 2),
            classify=round(times.classify, 2),
            total=round(times.total + waited_ms, 2),
        )


class PredictOut(_Wire):
    """The answer of ``POST /predict``."""

    request_id: str = Field(description="the same as in the X-Request-ID header; the service's log has it")
    images: list[PictureOut] = Field(description="an entry a picture, in the order sent")
    models: dict[str, str] = Field(description="name and version of the models that answered")
    timing_ms: TimingOut = Field(description="what took how long, in milliseconds")


def _picture_error(error: MienError) -> PictureErrorOut:
    problem = problem_of(error)
    members: dict[str, Any] = {"status": problem.status, "title": problem.title, **problem.extra}
    return PictureErrorOut(code=problem.code, detail=problem.detail, **members)


def _pixel(value: float) -> float:
    return round(float(value), 2)


def _unit(value: float) -> float:
    return round(float(value), 4)


def _point(point: tuple[float, float]) -> Point:
    return _pixel(point[0]), _pixel(point[1])
