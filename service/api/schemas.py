"""The wire shapes of ``POST /predict``, made from the domain.

Boxes and landmarks are rounded to a hundredth of a pixel, and probabilities to four decimals, so that the scores of
one face still sum to 1 within 0.0005. Rounding also makes equal faces equal bytes.
"""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from service.api.errors import problem_of
from service.domain import Box, Face, Landmarks, Quality
from service.errors import MienError
from service.usecases.pictures import PictureResult, PictureTimes

Point = tuple[float, float]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True)


class BoxOut(_Wire):
    """Pixels of the upright picture, clipped to it."""

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def from_domain(cls, box: Box) -> Self:
        return cls(x=_pixel(box.x), y=_pixel(box.y), width=_pixel(box.width), height=_pixel(box.height))


class LandmarksOut(_Wire):
    """Five points in pixels of the upright picture; right and left are the subject's own."""

    right_eye: Point
    left_eye: Point
    nose: Point
    right_mouth: Point
    left_mouth: Point

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

    sharpness: float
    brightness: float
    size: float = Field(description="shorter side of the box in pixels")
    pose: float
    ok: bool
    reasons: list[str]

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

    box: BoxOut
    confidence: float
    landmarks: LandmarksOut
    emotion: str
    score: float = Field(description="probability of ``emotion``")
    uncertain: bool
    scores: dict[str, float] = Field(description="a probability a label; they sum to 1 within 0.0005")
    valence: float = Field(description="from -1 (unpleasant) to 1 (pleasant)")
    quality: QualityOut

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

    code: str
    status: int
    title: str
    detail: str


class PictureOut(_Wire):
    """One picture's answer: its faces, or an error."""

    index: int
    name: str | None
    width: int | None
    height: int | None
    faces: list[FaceOut]
    error: PictureErrorOut | None

    @classmethod
    def from_domain(cls, picture: PictureResult) -> Self:
        return cls(
            index=picture.index,
            name=picture.name,
            width=picture.width,
            height=picture.height,
            faces=[FaceOut.from_domain(face) for face in picture.faces],
            error=None if picture.error is None else _picture_error(picture.error),
        )


class TimingOut(_Wire):
    """Milliseconds. Stages are summed over the pictures and may overlap; ``total`` is by the clock."""

    queue: float
    decode: float
    detect: float
    classify: float
    total: float

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

    request_id: str
    images: list[PictureOut]
    models: dict[str, str] = Field(description="name and version of the models that answered")
    timing_ms: TimingOut


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
