"""``POST /predict``: pictures in, faces out, as JSON or drawn into the picture."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request, Response

from mien.api import openapi
from mien.api.dependencies import AppState, ServicesDep
from mien.api.errors import problem_of, request_id_of
from mien.api.negotiation import accept_of, choose
from mien.api.queries import PredictQuery, PredictQueryDep
from mien.api.security import KEY_NEEDED
from mien.api.uploads.received import received_pictures
from mien.domain import AnalyzeOptions, Cancellation, StageTimes
from mien.engine.base import Engine
from mien.errors import InputError, NotAcceptable
from mien.images.decoder import LargePicture, PictureDecoder
from mien.images.encode import Encoding
from mien.usecases.analyze_image import PictureInput, PictureResult, analyze_images
from mien.usecases.annotate_image import RenderOptions, annotate_image
from mien.usecases.picture_document import Document, picture_document, timing_document, to_json

JSON = "application/json"
_OFFERS = (JSON, "image/png", "image/jpeg")

_Answer = tuple[Sequence[PictureResult], StageTimes, Response]

router = APIRouter(tags=["pictures"], dependencies=[KEY_NEEDED])


@router.post("/predict", responses=openapi.PREDICT_RESPONSES, openapi_extra=openapi.PREDICT_BODY)
async def predict(request: Request, query: PredictQueryDep, services: ServicesDep) -> Response:
    """Find every face in one or many pictures, and say which emotion a crowd of raters would see in it.

    Send pictures as multipart `file` fields, one picture as the raw body, or JSON `{"images": ["<base64>"]}`.
    `Accept: image/png` or `image/jpeg` answers one picture with the faces drawn into it.
    """
    media_type = choose(accept_of(request.headers), _OFFERS)
    engine = services.engine.get()
    gone = threading.Event()
    async with received_pictures(request, services.uploads, services.gate, services.json_pictures) as received:
        call = _Call(
            request_id=request_id_of(request),
            media_type=media_type,
            query=query,
            options=query.to_domain(explain=query.explain and media_type != JSON),
            cancellation=query.cancellation(gone.is_set, services.picture_deadline),
            engine=engine,
            services=services,
        )
        deadline = call.cancellation.deadline
        try:
            small = services.decoder.without_large()
            response, notes = await services.gate.run(
                request, lambda: call.answer(received.load(), small), deadline, gone, received.turn
            )
        except LargePicture:
            # Known before it is decoded. Such pictures wait behind a gate of their own, so that any number of them
            # leaves the threads to others.
            response, notes = await services.large_gate.run(
                request, lambda: call.answer(received.load(), services.decoder), deadline, gone, received.turn
            )
    request.state.notes.update(notes)
    return response


@dataclass(frozen=True, slots=True)
class _Call:
    """One request, from when its pictures are here. Runs in a worker thread; knows nothing of the connection."""

    request_id: str
    media_type: str
    query: PredictQuery
    options: AnalyzeOptions
    cancellation: Cancellation
    engine: Engine
    services: AppState
    arrived: float = field(default_factory=time.monotonic)

    def answer(self, pictures: list[PictureInput], decoder: PictureDecoder) -> tuple[Response, dict[str, Any]]:
        """The response, and what the access log may say of it.

        Raises:
            LargePicture: as ``decoder`` does.
            MienError: what was wrong with the pictures, or with the service.
        """
        waited_ms = (time.monotonic() - self.arrived) * 1000
        try:
            results, times, response = (
                self._json(pictures, waited_ms, decoder) if self.media_type == JSON else self._drawn(pictures, decoder)
            )
        except InputError as error:
            if len(pictures) == 1:
                self.services.recorder.picture(error.code, 0)
            raise
        self._record(results, times, waited_ms)
        notes: dict[str, Any] = {"pictures": len(results), "faces": sum(len(result.faces) for result in results)}
        if warnings := sum(len(result.warnings) for result in results):
            notes["warnings"] = warnings
        if self.services.log_names:
            notes["names"] = [picture.name for picture in pictures]
        return response, notes

    def _json(self, pictures: list[PictureInput], waited_ms: float, decoder: PictureDecoder) -> _Answer:
        analysis = analyze_images(pictures, self.options, self.cancellation, engine=self.engine, decoder=decoder)
        alone = analysis.pictures[0].error if len(pictures) == 1 else None
        if alone is not None:
            raise alone
        document = {
            "request_id": self.request_id,
            "images": [picture_document(picture, _error(picture)) for picture in analysis.pictures],
            "models": {model.name: model.version for model in self.engine.models() if model.active},
            "timing_ms": timing_document(analysis.times, waited_ms),
        }
        return analysis.pictures, analysis.times, Response(to_json(document), media_type=JSON)

    def _drawn(self, pictures: list[PictureInput], decoder: PictureDecoder) -> _Answer:
        if len(pictures) != 1:
            raise NotAcceptable(f"One picture is drawn at a time, and {len(pictures)} came; send them singly.")
        rendering = RenderOptions(Encoding(self.media_type), redact=self.query.redact)
        drawn = annotate_image(
            pictures[0], self.options, rendering, self.cancellation, engine=self.engine, decoder=decoder
        )
        self.services.recorder.stage("render", drawn.render_ms / 1000)
        return (drawn.picture,), drawn.times, Response(drawn.content, media_type=drawn.media_type)

    def _record(self, results: Sequence[PictureResult], times: StageTimes, waited_ms: float) -> None:
        recorder = self.services.recorder
        for result in results:
            recorder.picture("ok" if result.error is None else result.error.code, len(result.faces))
        recorder.stage("queue", (times.queue + waited_ms) / 1000)
        recorder.stage("decode", times.decode / 1000)
        recorder.stage("detect", times.detect / 1000)
        recorder.stage("classify", times.classify / 1000)


def _error(picture: PictureResult) -> Document | None:
    """The same code, status and words as the picture's own problem would have."""
    if picture.error is None:
        return None
    problem = problem_of(picture.error)
    members = {"code": problem.code, "status": problem.status, "title": problem.title, "detail": problem.detail}
    return members | dict(problem.extra)
