"""``POST /predict``: pictures in, faces out, as JSON or drawn into the picture."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from mien.api import openapi
from mien.api.callers import caller_of
from mien.api.dependencies import KEY_NEEDED, AnalysisCall, AppState, StateDep
from mien.api.direct_route import DirectRoute
from mien.api.errors import problem_of, request_id_of
from mien.api.negotiation import accept_of, choose
from mien.api.queries import PredictQueryDep
from mien.api.uploads.body import UploadedPictures, received_pictures
from mien.domain import LABELS, Cancellation, StageTimes
from mien.errors import InputError, NotAcceptable
from mien.images.decoder import LargePicture, PictureDecoder
from mien.images.encode import Encoding
from mien.render.columns import csv_of, picture_columns
from mien.usecases.analyze_image import PictureInput, PictureResult, analyze_images
from mien.usecases.annotate_image import RenderOptions, annotate_image
from mien.usecases.picture_document import Document, picture_document, timing_document, to_json

JSON, CSV = "application/json", "text/csv"
_OFFERS = (JSON, CSV, "image/png", "image/jpeg")

_Answer = tuple[Sequence[PictureResult], StageTimes, Response]

router = APIRouter(route_class=DirectRoute, tags=["pictures"], dependencies=[KEY_NEEDED])


@router.post("/predict", responses=openapi.PREDICT_RESPONSES, openapi_extra=openapi.PREDICT_BODY)
async def predict(request: Request, query: PredictQueryDep, state: StateDep) -> Response:
    """Find every face in one or more pictures, and predict which emotion human raters would see in it.

    Send pictures as multipart `file` fields, one picture as the raw body, or JSON `{"images": ["<base64>"]}`.
    `Accept: text/csv` answers with one row per face, `image/png` or `image/jpeg` with one picture with the faces drawn
    into it.
    """
    media_type = choose(accept_of(request.headers), _OFFERS)
    engine = state.engine.get()
    cancelled = threading.Event()
    async with received_pictures(request, state.uploads, state.gate, state.json_pictures) as pictures:
        explain = query.explain and media_type not in (JSON, CSV)
        options = query.to_domain(explain=explain)
        cancellation = query.cancellation(cancelled.is_set, state.picture_deadline)
        call = _PictureCall(
            request_id_of(request), options, cancellation, engine, state, pictures, media_type, query.redact
        )
        return await run_with_decoder(request, state, call.answer, cancellation, cancelled)


async def run_with_decoder(
    request: Request,
    state: AppState,
    answer: Callable[[PictureDecoder], tuple[Response, dict[str, Any]]],
    cancellation: Cancellation,
    cancelled: threading.Event,
) -> Response:
    """The response that ``answer`` gives in a worker thread, with fields for the access log."""
    try:
        work = partial(answer, state.decoder.without_large())
        response, log_fields = await state.gate.run(request, work, cancellation.deadline, cancelled)
    except LargePicture:
        # Raised before it is decoded. Large pictures wait at a gate of their own, so that any number of them
        # leaves the threads to others.
        state.large_gate.check(caller_of(request.scope))
        work = partial(answer, state.decoder)
        response, log_fields = await state.large_gate.run(request, work, cancellation.deadline, cancelled)
    request.state.log_fields.update(log_fields)
    return response


@dataclass(frozen=True, slots=True)
class _PictureCall(AnalysisCall):
    pictures: UploadedPictures
    media_type: str
    redact: bool

    def answer(self, decoder: PictureDecoder) -> tuple[Response, dict[str, Any]]:
        """The response, and fields for the access log.

        Raises:
            LargePicture: as ``decoder`` does.
            MienError: what was wrong with the pictures, or with the service.
        """
        pictures = self.pictures.read()
        waited_ms = self.waited_ms()
        try:
            results, times, response = (
                self._listed(pictures, waited_ms, decoder)
                if self.media_type in (JSON, CSV)
                else self._drawn(pictures, decoder)
            )
        except InputError as error:
            if len(pictures) == 1:
                self.state.metrics.picture(error.code, 0)
            raise
        for result in results:
            self.state.metrics.picture("ok" if result.error is None else result.error.code, len(result.faces))
        self.record_stages(times, waited_ms)
        log_fields: dict[str, Any] = {"pictures": len(results), "faces": sum(len(result.faces) for result in results)}
        if warnings := sum(len(result.warnings) for result in results):
            log_fields["warnings"] = warnings
        if self.state.log_names:
            log_fields["names"] = [picture.name for picture in pictures]
        return response, log_fields

    def _listed(self, pictures: list[PictureInput], waited_ms: float, decoder: PictureDecoder) -> _Answer:
        analysis = analyze_images(pictures, self.options, self.cancellation, engine=self.engine, decoder=decoder)
        if len(pictures) == 1 and (error := analysis.pictures[0].error) is not None:
            raise error
        images = [picture_document(picture, picture_error(picture)) for picture in analysis.pictures]
        if self.media_type == CSV:
            table = csv_of(picture_columns(images, LABELS[self.options.labels]))
            return analysis.pictures, analysis.times, Response(table, media_type=CSV)
        document = {
            "request_id": self.request_id,
            "images": images,
            "models": self.active_models(),
            "timing_ms": timing_document(analysis.times, waited_ms),
        }
        return analysis.pictures, analysis.times, Response(to_json(document), media_type=JSON)

    def _drawn(self, pictures: list[PictureInput], decoder: PictureDecoder) -> _Answer:
        if len(pictures) != 1:
            raise NotAcceptable(f"Only one picture per request can be drawn, and {len(pictures)} were sent.")
        rendering = RenderOptions(Encoding(self.media_type), redact=self.redact)
        drawn = annotate_image(
            pictures[0], self.options, rendering, self.cancellation, engine=self.engine, decoder=decoder
        )
        self.state.metrics.stage("render", drawn.render_ms / 1000)
        return (drawn.picture,), drawn.times, Response(drawn.content, media_type=drawn.media_type)


def picture_error(picture: PictureResult) -> Document | None:
    """The same code, status and words as the picture's own problem would have."""
    if picture.error is None:
        return None
    problem = problem_of(picture.error)
    members = {"code": problem.code, "status": problem.status, "title": problem.title, "detail": problem.detail}
    return members | dict(problem.extra)
