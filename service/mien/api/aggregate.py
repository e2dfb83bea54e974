"""``POST /predict`` and ``POST /analyze-video`` where only aggregates may be answered (``MIEN_AGGREGATE_ONLY``)."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response

from mien.api import openapi
from mien.api.aggregate_schemas import AggregateClipOut, AggregatePicturesOut
from mien.api.dependencies import KEY_NEEDED, AnalysisCall, StateDep
from mien.api.errors import request_id_of
from mien.api.images import picture_error, run_with_decoder
from mien.api.negotiation import accept_of, choose
from mien.api.queries import MAX_FACES, AnalysisQuery, PredictQueryDep, VideoQueryDep
from mien.api.uploads.body import UploadedPictures, received_clip, received_pictures
from mien.domain import LABELS, AnalyzeOptions
from mien.errors import InputError, InvalidOption
from mien.images.decoder import PictureDecoder
from mien.usecases.aggregate import WITHHELD, Aggregate, aggregate_csv, clip_aggregate, picture_aggregate
from mien.usecases.analyze_image import PictureResult, analyze_images
from mien.usecases.analyze_video import VideoOptions, analyze_video
from mien.usecases.picture_document import Document, to_json

JSON, CSV = "application/json", "text/csv"
_OFFERS = (JSON, CSV)
# Two answers that differ in one of these differ in few people, perhaps in one. ``explain`` and
# ``redact`` draw people, and there are no jobs.
_REFUSED_OPTIONS = ("min_face", "min_confidence", "max_faces", "explain", "redact", "mode", "webhook")

router = APIRouter(dependencies=[KEY_NEEDED])


@router.post(
    "/predict",
    tags=["pictures"],
    responses=openapi.aggregate_responses(AggregatePicturesOut, openapi.PREDICT_RESPONSES),
    openapi_extra=openapi.PREDICT_BODY,
)
async def count_in_pictures(request: Request, query: PredictQueryDep, state: StateDep) -> Response:
    """Count the faces of one or more pictures by the emotion that human raters would see.

    The operator of this service allows only counts over at least five people: a picture with fewer has none. Send
    pictures as multipart `file` fields, one picture as the raw body, or JSON `{"images": ["<base64>"]}`.
    """
    media_type = choose(accept_of(request.headers), _OFFERS)
    options = _options(query)
    engine = state.engine.get()
    cancelled = threading.Event()
    async with received_pictures(request, state.uploads, state.gate, state.json_pictures) as pictures:
        cancellation = query.cancellation(cancelled.is_set, state.picture_deadline)
        call = _PictureCall(request_id_of(request), options, cancellation, engine, state, media_type, pictures)
        return await run_with_decoder(request, state, call.answer, cancellation, cancelled)


@router.post(
    "/analyze-video",
    tags=["clips"],
    responses=openapi.aggregate_responses(AggregateClipOut, openapi.VIDEO_RESPONSES),
    openapi_extra=openapi.VIDEO_BODY,
)
async def count_in_clip(request: Request, query: VideoQueryDep, state: StateDep) -> Response:
    """Count the people of a clip by the emotion that human raters would see most.

    The operator of this service allows only counts over at least five people: a clip that never shows as many at once
    has none. Send the clip as the multipart field `file` or as the raw body.
    """
    media_type = choose(accept_of(request.headers), _OFFERS)
    options, video = _options(query), query.to_video()
    engine = state.engine.get()
    cancelled = threading.Event()
    async with received_clip(request, state.clip_uploads, state.clip_gate) as clip:
        cancellation = query.cancellation(cancelled.is_set, state.clip_deadline)
        call = _ClipCall(request_id_of(request), options, cancellation, engine, state, media_type, clip, video)
        return await state.clip_gate.run(request, call.answer, cancellation.deadline, cancelled)


def _options(query: AnalysisQuery) -> AnalyzeOptions:
    for name in _REFUSED_OPTIONS:
        if name in query.model_fields_set:
            raise InvalidOption(
                name,
                f"The option {name} is not allowed: this service answers only counts over all people. Leave it out.",
            )
    return replace(query.to_domain(), max_faces=MAX_FACES)


@dataclass(frozen=True, slots=True)
class _AggregateCall(AnalysisCall):
    media_type: str

    @property
    def labels(self) -> Sequence[str]:
        return LABELS[self.options.labels]

    def response(self, members: Document, aggregates: Iterable[tuple[Aggregate, str]]) -> Response:
        if self.media_type == CSV:
            return Response("".join(aggregate_csv(aggregates, self.labels)), media_type=CSV)
        document = {"request_id": self.request_id, **members, "models": self.active_models()}
        return Response(to_json(document), media_type=JSON)


@dataclass(frozen=True, slots=True)
class _PictureCall(_AggregateCall):
    pictures: UploadedPictures

    def answer(self, decoder: PictureDecoder) -> tuple[Response, dict[str, Any]]:
        """The response, and fields for the access log: how many faces there are is not among them."""
        pictures = self.pictures.read()
        waited_ms = self.waited_ms()
        analysis = analyze_images(pictures, self.options, self.cancellation, engine=self.engine, decoder=decoder)
        self.record_stages(analysis.times, waited_ms)
        results = [(picture, picture_aggregate(picture, self.labels)) for picture in analysis.pictures]
        for picture, aggregate in results:
            self.state.metrics.picture(_code(picture.error) or "ok", aggregate.people or 0)
        if len(results) == 1 and (error := results[0][0].error) is not None:
            raise error
        members = {"images": [_picture_document(picture, aggregate) for picture, aggregate in results]}
        rows = ((aggregate, _code(picture.error)) for picture, aggregate in results)
        return self.response(members, rows), {"pictures": len(pictures)}


@dataclass(frozen=True, slots=True)
class _ClipCall(_AggregateCall):
    clip: Path
    video: VideoOptions

    def answer(self) -> Response:
        """The response."""
        waited_ms = self.waited_ms()
        analysis = analyze_video(
            self.clip, self.options, self.video, self.cancellation, engine=self.engine, clips=self.state.clips
        )
        self.record_stages(analysis.times, waited_ms)
        aggregate = clip_aggregate(analysis.timeline)
        video = {"duration": round(analysis.duration, 3), "warnings": list(analysis.warnings)}
        return self.response({"video": video, **aggregate.document()}, [(aggregate, "")])


def _picture_document(picture: PictureResult, aggregate: Aggregate) -> Document:
    found = aggregate if picture.error is None else WITHHELD
    return {
        "index": picture.index,
        **found.document(),
        "warnings": list(picture.warnings),
        "error": picture_error(picture),
    }


def _code(error: InputError | None) -> str:
    return "" if error is None else error.code
