"""``POST /analyze-video``: a clip in, a timeline of people and emotions out."""

import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from fastapi import APIRouter, Request, Response

from mien.api.admission import AdmissionGate
from mien.api.dependencies import ServicesDep
from mien.api.errors import request_id_of
from mien.api.negotiation import accept_of, choose
from mien.api.security import KEY_NEEDED
from mien.api.streaming import LineStream, StreamingLines, TemporaryFileResponse
from mien.api.uploads.body import UploadLimits
from mien.api.uploads.clip_folder import ANNOTATED, clip_folder
from mien.api.uploads.received import received_file
from mien.api.uploads.spool import SpoolSettings
from mien.api.uploads.spooled_text import SpooledText
from mien.api.video_call import VideoCall
from mien.api.video_openapi import VIDEO_BODY, VIDEO_RESPONSES
from mien.api.video_query import VideoQueryDep

JSON, CSV, NDJSON, PNG, MP4 = "application/json", "text/csv", "application/x-ndjson", "image/png", "video/mp4"
_OFFERS = (JSON, CSV, NDJSON, PNG, MP4)

router = APIRouter(tags=["clips"], dependencies=[KEY_NEEDED])


@router.post("/analyze-video", responses=VIDEO_RESPONSES, openapi_extra=VIDEO_BODY)
async def analyze_video(request: Request, query: VideoQueryDep, services: ServicesDep) -> Response:
    """Follow every person through a clip, and say which emotions a crowd of raters would see and when.

    Send the clip as the multipart field `file` or as the raw body. `Accept` chooses the form: JSON, `text/csv` (a row a
    face), `application/x-ndjson` (a line a frame while they come), `image/png` (a plot) or `video/mp4` (the clip with
    its people boxed and named, sound kept). At most `MIEN_MAX_CLIP_SECONDS` (300) are analysed; longer clips need
    `start` and `end`.
    """
    media_type = choose(accept_of(request.headers), _OFFERS)
    video = query.to_video()
    engine = services.engine.get()
    gate, gone = services.clip_gate, threading.Event()
    async with AsyncExitStack() as stack:
        clip = await stack.enter_async_context(_received(request, services.clip_uploads, gate))
        cancellation = query.cancellation(gone.is_set, services.clip_deadline)
        deadline = cancellation.deadline
        call = VideoCall(
            request_id_of(request),
            clip,
            query.to_domain(),
            video,
            cancellation,
            engine,
            services.clips,
            services.recorder,
        )
        if media_type == NDJSON:
            pump = await LineStream.start(gate, request, call.lines, deadline, gone)
            stack.push_async_callback(pump.aclose)
            return StreamingLines(pump, stack.pop_all(), NDJSON)
        if media_type == MP4:
            target = clip.with_name(ANNOTATED)
            file = await gate.run(request, lambda: call.annotated(target), deadline, gone)
            return TemporaryFileResponse(file, stack.pop_all(), MP4)
        if media_type == PNG:
            return Response(await gate.run(request, call.plot, deadline, gone), media_type=PNG)
        pieces = call.csv if media_type == CSV else call.json
        async with AsyncExitStack() as answer:  # which needs the clip no longer
            text = SpooledText(services.clip_uploads.spool)
            answer.push_async_callback(text.aclose)
            await gate.run(request, lambda: text.write(pieces()), deadline, gone)
            return StreamingLines(text, answer.pop_all(), media_type, text.size)


@asynccontextmanager
async def _received(request: Request, limits: UploadLimits, gate: AdmissionGate) -> AsyncIterator[Path]:
    """The upload, in a folder of this request's own that goes with everything in it."""
    async with clip_folder(limits.spool.folder) as folder:
        # The decoder seeks, and the pictures and the sound are read side by side: it needs a file with a name.
        spool = SpoolSettings(folder=folder, named=True)
        async with received_file(request, replace(limits, spool=spool), gate, family="video") as upload:
            yield await upload.path()
