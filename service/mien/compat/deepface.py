"""DeepFace's ``POST /analyze``: ``{"img": "data:image/jpeg;base64,...", "actions": ["emotion"]}``.

Of its actions only ``emotion`` can be answered. A request that names no actions, and so asks for all, gets that one; a
request that names another is refused. Its backends' names and ``align`` make no difference here.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from mien.api.dependencies import StateDep
from mien.api.errors import Problem
from mien.compat.requests import Asked, Interface, analyze, decode, picture_of
from mien.domain import AnalyzeOptions, Face, LabelSet
from mien.errors import InputError, InvalidOption, MienError
from mien.usecases.analyze_image import PictureResult

_NAMES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
_ACTION = re.compile(r"\w+")

router = APIRouter(include_in_schema=False)


class _Body(msgspec.Struct, frozen=True):
    img: str | None = None
    img_path: str | None = None
    actions: list[str] | str | None = None
    enforce_detection: bool | str = True
    anti_spoofing: bool | str = False


@router.post("/analyze")
async def analyze_faces(request: Request, state: StateDep) -> Response:
    """See the module."""
    return await analyze(request, state, _INTERFACE)


def _read(body: bytes) -> Asked:
    asked = decode(body, _Body)
    actions = _ACTION.findall(asked.actions) if isinstance(asked.actions, str) else asked.actions or ()
    if others := [action for action in actions if action != "emotion"]:
        raise InvalidOption("actions", f"{others[0]!r} cannot be answered: Mien estimates emotion only; ask for that.")
    if str(asked.anti_spoofing).lower() == "true":
        raise InvalidOption("anti_spoofing", "anti_spoofing cannot be answered: Mien does not tell real faces apart.")
    img = asked.img or asked.img_path
    if not img:
        raise InvalidOption("img", "'img' not found in the request; put a picture as a base64 data URI there.")
    if img.startswith(("http://", "https://")):
        raise InvalidOption("img", "img is an address, which Mien does not fetch; send the picture as base64.")
    return Asked([picture_of(img, "img")], AnalyzeOptions(labels=LabelSet.FER2013), asked.enforce_detection)


def _answer(asked: Asked, results: Sequence[PictureResult]) -> dict[str, Any]:
    (result,) = results
    if result.error is not None:
        raise result.error
    if not result.faces and str(asked.details).lower() == "true":
        raise InputError(
            "Face could not be detected. Please confirm that the picture is a face photo or consider to set "
            "enforce_detection param to False."
        )
    return {"results": [_face(face) for face in result.faces]}


def _face(face: Face) -> dict[str, Any]:
    def point(at: tuple[float, float]) -> list[int]:
        return [round(at[0]), round(at[1])]

    return {
        "emotion": {name: round(100 * face.scores[name], 4) for name in _NAMES},
        "dominant_emotion": face.emotion,
        "region": {
            "x": round(face.box.x),
            "y": round(face.box.y),
            "w": round(face.box.width),
            "h": round(face.box.height),
            "left_eye": point(face.landmarks.left_eye),
            "right_eye": point(face.landmarks.right_eye),
        },
        "face_confidence": round(face.confidence, 2),
    }


def _refuse(_: MienError, problem: Problem) -> Response:
    status = 400 if problem.status in (413, 415, 422) else problem.status
    body = msgspec.json.encode({"error": f"Exception while analyzing: {problem.detail}"})
    return Response(body, status, media_type="application/json")


_INTERFACE = Interface(("application/json",), _read, _answer, _refuse)
