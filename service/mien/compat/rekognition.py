"""Amazon Rekognition's ``DetectFaces``, for clients with another ``endpoint_url``.

``CALM`` is neutral; ``CONFUSED`` is not estimated and absent, as is everything about age, gender, hair, glasses and
where a person looks. Those are refused if they are asked for by name, and absent if ``ALL`` is. Left and right are the
viewer's, as Amazon has them.
"""

import math
from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from mien.api.dependencies import StateDep
from mien.api.errors import Problem
from mien.compat.requests import Asked, Interface, analyze, decode, picture_of
from mien.domain import AnalyzeOptions, Face, LabelSet
from mien.errors import CorruptMedia, InputError, MienError, TooLarge, UnsupportedMedia
from mien.usecases.analyze_image import PictureResult

_TARGET = "RekognitionService.DetectFaces"
_MEDIA_TYPE = "application/x-amz-json-1.1"
_ANSWERED = frozenset({"ALL", "DEFAULT", "EMOTIONS"})
_MAX_FACES = 100  # Amazon's own bound
_EMOTIONS = {
    "HAPPY": "happy",
    "SAD": "sad",
    "ANGRY": "angry",
    "DISGUSTED": "disgust",
    "SURPRISED": "surprise",
    "CALM": "neutral",
    "FEAR": "fear",
}
_LANDMARKS = {
    "eyeLeft": "right_eye",
    "eyeRight": "left_eye",
    "mouthLeft": "right_mouth",
    "mouthRight": "left_mouth",
    "nose": "nose",
}
_STATUSES = {401: "UnrecognizedClientException", 429: "ThrottlingException", 503: "ThrottlingException"}

router = APIRouter(include_in_schema=False)


class _Refused(InputError):
    """``name`` is the exception of Amazon's that says so."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class _Image(msgspec.Struct, frozen=True):
    Bytes: str | None = None
    S3Object: Any = None


class _Body(msgspec.Struct, frozen=True):
    Image: _Image
    Attributes: list[str] = []


@router.post("/")
async def detect_faces(request: Request, state: StateDep) -> Response:
    """See the module."""
    target = request.headers.get("x-amz-target", "")
    if target != _TARGET:
        return _error(400, "UnknownOperationException", f"{target or 'The request'} is not answered, only {_TARGET}.")
    return await analyze(request, state, _INTERFACE)


def _read(body: bytes) -> Asked:
    asked = decode(body, _Body)
    if others := [name for name in asked.Attributes if name not in _ANSWERED]:
        raise _Refused("InvalidParameterException", f"{others[0]} is not estimated; ask for EMOTIONS, DEFAULT or ALL.")
    if asked.Image.Bytes is None:
        raise _Refused("InvalidS3ObjectException", "Mien fetches no pictures; send the picture's bytes in Image.Bytes.")
    options = AnalyzeOptions(labels=LabelSet.BASIC7, max_faces=_MAX_FACES)
    return Asked([picture_of(asked.Image.Bytes, "Image.Bytes")], options, asked.Attributes)


def _answer(asked: Asked, results: Sequence[PictureResult]) -> dict[str, Any]:
    (result,) = results
    if result.error is not None:
        raise result.error
    assert result.width is not None  # noqa: S101  it has no error
    assert result.height is not None  # noqa: S101  it has no error
    with_emotions = not {"ALL", "EMOTIONS"}.isdisjoint(asked.details)
    return {"FaceDetails": [_face(face, result.width, result.height, with_emotions) for face in result.faces]}


def _face(face: Face, width: int, height: int, with_emotions: bool) -> dict[str, Any]:
    right, left = face.landmarks.right_eye, face.landmarks.left_eye
    detail: dict[str, Any] = {
        "BoundingBox": {
            "Left": face.box.x / width,
            "Top": face.box.y / height,
            "Width": face.box.width / width,
            "Height": face.box.height / height,
        },
        "Landmarks": [
            {"Type": name, "X": getattr(face.landmarks, own)[0] / width, "Y": getattr(face.landmarks, own)[1] / height}
            for name, own in _LANDMARKS.items()
        ],
        "Pose": {"Roll": math.degrees(math.atan2(left[1] - right[1], left[0] - right[0]))},
        "Quality": {"Brightness": 100 * face.quality.brightness, "Sharpness": 100 * face.quality.sharpness},
        "Confidence": 100 * face.confidence,
    }
    if with_emotions:
        emotions = [{"Type": name, "Confidence": 100 * face.scores[label]} for name, label in _EMOTIONS.items()]
        detail["Emotions"] = sorted(emotions, key=lambda emotion: emotion["Confidence"], reverse=True)
    return detail


def _refuse(error: MienError, problem: Problem) -> Response:
    if isinstance(error, _Refused):
        name = error.name
    elif isinstance(error, TooLarge):
        name = "ImageTooLargeException"
    elif isinstance(error, UnsupportedMedia | CorruptMedia):
        name = "InvalidImageFormatException"
    else:
        name = _STATUSES.get(
            problem.status, "InternalServerError" if problem.status >= 500 else "InvalidParameterException"
        )
    return _error(problem.status if problem.status >= 500 else 400, name, problem.detail)


def _error(status: int, name: str, message: str) -> Response:
    return Response(msgspec.json.encode({"__type": name, "message": message}), status, media_type=_MEDIA_TYPE)


_INTERFACE = Interface((_MEDIA_TYPE, "application/json"), _read, _answer, _refuse, _MEDIA_TYPE)
