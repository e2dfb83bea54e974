"""A request in another service's form: its key, its body, its analysis and its errors."""

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import pybase64
from fastapi import Request, Response

from mien.access.keys import KeyUse
from mien.api.dependencies import AnalysisCall, AppState
from mien.api.errors import Problem, problem_of, request_id_of
from mien.api.images import run_with_decoder
from mien.api.uploads.body import received_body
from mien.api.uploads.spool import Upload
from mien.domain import AnalyzeOptions, Cancellation
from mien.errors import InputError, InvalidRequest, MienError
from mien.images.decoder import PictureDecoder
from mien.usecases.analyze_image import PictureInput, PictureResult, analyze_images

T = TypeVar("T")
_AWS_KEY = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/")


@dataclass(frozen=True, slots=True)
class Asked:
    """The pictures that a body asks about; ``details`` is whatever the answer needs besides."""

    pictures: list[PictureInput]
    options: AnalyzeOptions
    details: Any = None


@dataclass(frozen=True, slots=True)
class Interface:
    """``read`` makes ``Asked`` of a body, ``answer`` a document of the results, ``refuse`` a response of an error."""

    media_types: Sequence[str]
    read: Callable[[bytes], Asked]
    answer: Callable[[Asked, Sequence[PictureResult]], dict[str, Any]]
    refuse: Callable[[MienError, Problem], Response]
    media_type: str = "application/json"


async def analyze(request: Request, state: AppState, interface: Interface) -> Response:
    """Analyse the pictures of ``request`` behind the same gates and bounds as ``POST /predict``."""
    try:
        with state.access.admitted(request, _key_of(request), KeyUse.ANALYSIS):
            return await _analyze(request, state, interface)
    except MienError as error:
        problem = problem_of(error)
        response = interface.refuse(error, problem)
        response.headers.update(problem.headers)
        return response


async def _analyze(request: Request, state: AppState, interface: Interface) -> Response:
    engine = state.engine.get()
    cancelled = threading.Event()
    async with received_body(request, state.uploads, state.gate, interface.media_types) as upload:
        cancellation = Cancellation(time.monotonic() + state.picture_deadline, cancelled.is_set)
        call = _Call(request_id_of(request), AnalyzeOptions(), cancellation, engine, state, upload, interface)
        return await run_with_decoder(request, state, call.answer, cancellation, cancelled)


@dataclass(frozen=True, slots=True)
class _Call(AnalysisCall):
    upload: Upload
    interface: Interface

    def answer(self, decoder: PictureDecoder) -> tuple[Response, dict[str, Any]]:
        waited_ms = self.waited_ms()
        asked = self.interface.read(self.upload.read())
        analysis = analyze_images(asked.pictures, asked.options, self.cancellation, engine=self.engine, decoder=decoder)
        for result in analysis.pictures:
            self.state.metrics.picture("ok" if result.error is None else result.error.code, len(result.faces))
        self.record_stages(analysis.times, waited_ms)
        document = self.interface.answer(asked, analysis.pictures)
        response = Response(msgspec.json.encode(document), media_type=self.interface.media_type)
        return response, {"pictures": len(analysis.pictures), "faces": sum(len(one.faces) for one in analysis.pictures)}


def _key_of(request: Request) -> str | None:
    """The key where the clients of these services put it. That of Amazon's is its access key id; the signature is not
    checked, as the secret key is not known here."""
    authorization = request.headers.get("authorization", "")
    aws = _AWS_KEY.match(authorization)
    given = (
        authorization.removeprefix("Bearer ") if authorization.startswith("Bearer ") else None,
        aws[1] if aws else None,
        request.headers.get("x-api-key"),
        request.headers.get("x-goog-api-key"),
        request.query_params.get("key"),
    )
    return next((key for key in given if key is not None), None)


def decode(body: bytes, kind: type[T]) -> T:
    """A JSON body as ``kind``; members that it does not have are ignored, as those services do.

    Raises:
        InvalidRequest: it is no JSON, or of another shape.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"The body cannot be read ({error}).") from None


def picture_of(text: str, where: str) -> PictureInput:
    """A picture as base64 or as a base64 data URI; ``where`` names the member that holds it."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return PictureInput(None, pybase64.b64decode("".join(text.split()), validate=True))
    except ValueError:
        return PictureInput(None, InputError(f"{where} is not base64; encode the bytes of a picture file."))
