"""Google Cloud Vision's ``images:annotate`` over REST, for ``FACE_DETECTION``.

A likelihood is a range of a score, Mien's share of raters: Google does not publish the bounds of its own. Headwear, pan
and tilt are not estimated and absent. Left and right are the viewer's, as Google has them.
"""

import math
from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from mien.api.dependencies import StateDep
from mien.api.errors import Problem, problem_of
from mien.compat.requests import Asked, Interface, analyze, decode, picture_of
from mien.domain import AnalyzeOptions, Box, Face
from mien.errors import InputError, InvalidRequest, MienError
from mien.usecases.analyze_image import PictureInput, PictureResult

_FACE_DETECTION = ("FACE_DETECTION", 1)  # clients send the name or the number
_MAX_PICTURES = 16  # Google's own bound
_LIKELIHOODS = ((0.8, "VERY_LIKELY"), (0.5, "LIKELY"), (0.2, "POSSIBLE"), (0.05, "UNLIKELY"), (0.0, "VERY_UNLIKELY"))
_EMOTIONS = {"joy": "happy", "sorrow": "sad", "anger": "angry", "surprise": "surprise"}
_LANDMARKS = {
    "LEFT_EYE": "right_eye",
    "RIGHT_EYE": "left_eye",
    "NOSE_TIP": "nose",
    "MOUTH_LEFT": "right_mouth",
    "MOUTH_RIGHT": "left_mouth",
}
_STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
_INVALID_ARGUMENT, _UNIMPLEMENTED = 3, 12  # google.rpc.Code
_MAX_FACES = 1000

router = APIRouter(include_in_schema=False)


class _Image(msgspec.Struct, frozen=True):
    content: str | None = None
    source: Any = None


class _Feature(msgspec.Struct, frozen=True):
    type: str | int = 0
    maxResults: int | None = None  # noqa: N815  Google's name


class _Request(msgspec.Struct, frozen=True):
    image: _Image = _Image()
    features: list[_Feature] = []


class _Body(msgspec.Struct, frozen=True):
    requests: list[_Request]


@router.post("/v1/images:annotate")
async def annotate_images(request: Request, state: StateDep) -> Response:
    """See the module."""
    return await analyze(request, state, _INTERFACE)


def _read(body: bytes) -> Asked:
    requests = decode(body, _Body).requests
    if not 0 < len(requests) <= _MAX_PICTURES:
        raise InvalidRequest(f"There are {len(requests)} requests; send from 1 to {_MAX_PICTURES}.")
    return Asked([_picture(one) for one in requests], AnalyzeOptions(max_faces=_MAX_FACES), requests)


def _picture(request: _Request) -> PictureInput:
    if not any(feature.type in _FACE_DETECTION for feature in request.features):
        return PictureInput(None, InputError("No feature can be answered: Mien has FACE_DETECTION only; ask for that."))
    if request.image.content is None:
        return PictureInput(None, InputError("Mien fetches no pictures; send the picture's bytes in image.content."))
    return picture_of(request.image.content, "image.content")


def _answer(asked: Asked, results: Sequence[PictureResult]) -> dict[str, Any]:
    return {"responses": [_one(one, result) for one, result in zip(asked.details, results, strict=True)]}


def _one(request: _Request, result: PictureResult) -> dict[str, Any]:
    if result.error is not None:
        return {"error": {"code": _INVALID_ARGUMENT, "message": problem_of(result.error).detail}}
    wanted = [feature.maxResults for feature in request.features if feature.type in _FACE_DETECTION]
    answer: dict[str, Any] = {}
    if faces := result.faces[: wanted[0] or None]:
        answer["faceAnnotations"] = [_face(face) for face in faces]
    if others := [feature.type for feature in request.features if feature.type not in _FACE_DETECTION]:
        answer["error"] = {"code": _UNIMPLEMENTED, "message": f"Mien does not answer {others[0]}, only FACE_DETECTION."}
    return answer


def _face(face: Face) -> dict[str, Any]:
    right, left = face.landmarks.right_eye, face.landmarks.left_eye
    reasons = face.quality.reasons
    return {
        "boundingPoly": _polygon(face.box),
        "fdBoundingPoly": _polygon(face.box),
        "landmarks": [
            {"type": name, "position": dict(zip("xy", getattr(face.landmarks, own), strict=True))}
            for name, own in _LANDMARKS.items()
        ],
        "rollAngle": math.degrees(math.atan2(left[1] - right[1], left[0] - right[0])),
        "detectionConfidence": face.confidence,
        **{f"{name}Likelihood": _likelihood(face.scores[label]) for name, label in _EMOTIONS.items()},
        "underExposedLikelihood": "VERY_LIKELY" if "dark" in reasons else "VERY_UNLIKELY",
        "blurredLikelihood": "VERY_LIKELY" if "blurred" in reasons else "VERY_UNLIKELY",
    }


def _polygon(box: Box) -> dict[str, Any]:
    left, top, right, bottom = box.x, box.y, box.x + box.width, box.y + box.height
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return {"vertices": [{"x": round(x), "y": round(y)} for x, y in corners]}


def _likelihood(score: float) -> str:
    return next(name for bound, name in _LIKELIHOODS if score >= bound)


def _refuse(_: MienError, problem: Problem) -> Response:
    status = problem.status if problem.status in _STATUSES or problem.status >= 500 else 400
    error = {"code": status, "message": problem.detail, "status": _STATUSES.get(status, "INTERNAL")}
    return Response(msgspec.json.encode({"error": error}), status, media_type="application/json")


_INTERFACE = Interface(("application/json",), _read, _answer, _refuse)
