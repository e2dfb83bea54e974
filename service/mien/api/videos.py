"""``POST /analyze-video``: a clip in, a timeline of people and emotions out."""

import logging
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response

from mien.api import openapi
from mien.api.dependencies import KEY_NEEDED, AnalysisCall, StateDep
from mien.api.errors import problem_of, request_id_of
from mien.api.negotiation import accept_of, choose
from mien.api.queries import VideoQueryDep
from mien.api.streaming import LineStream, SpooledText, StreamingLines, TemporaryFileResponse
from mien.api.uploads.body import received_clip
from mien.api.uploads.clip_folder import ANNOTATED
from mien.api.uploads.spool import storage_errors
from mien.errors import MienError
from mien.images.encode import Encoding, encode
from mien.render.charts import plot
from mien.usecases import analyze_video as usecase
from mien.usecases import clip_formats
from mien.usecases.annotate_video import annotate_video
from mien.usecases.clip_formats import CSV, PARQUET, TEXTS
from mien.usecases.picture_document import timing_document, to_json
from mien.usecases.video_document import analysis_chunks, row_document, summary_chunks

JSON, NDJSON, PNG, MP4 = "application/json", "application/x-ndjson", "image/png", "video/mp4"
_OFFERS = (JSON, CSV, NDJSON, PNG, MP4, *(name for name in TEXTS if name != CSV))
_LOGGER = logging.getLogger(__name__)
_PEOPLE_PER_PIECE = 100  # the event loop is handed one piece at a time

router = APIRouter(tags=["clips"], dependencies=[KEY_NEEDED])


@router.post("/analyze-video", responses=openapi.VIDEO_RESPONSES, openapi_extra=openapi.VIDEO_BODY)
async def analyze_video(request: Request, query: VideoQueryDep, state: StateDep) -> Response:
    """Follow every person through a clip, and predict which emotions human raters would see, and when.

    Send the clip as the multipart field `file` or as the raw body. `Accept` chooses the form: JSON, `text/csv` (one row
    per face), `application/x-ndjson` (one line per frame, as they are analysed), `image/png` (a plot), `video/mp4` (the
    clip with its people boxed and named, sound kept), `text/x-eaf+xml` (ELAN), `text/tab-separated-values` (BORIS),
    `text/vtt` or `application/vnd.apache.parquet`. At most `MIEN_MAX_CLIP_SECONDS` (300) are analysed; longer
    clips need `start` and `end`.
    """
    media_type = choose(accept_of(request.headers), (*_OFFERS, *clip_formats.tables()))
    video = query.to_video()
    engine = state.engine.get()
    gate, cancelled = state.clip_gate, threading.Event()
    async with AsyncExitStack() as stack:
        clip = await stack.enter_async_context(received_clip(request, state.clip_uploads, gate))
        cancellation = query.cancellation(cancelled.is_set, state.clip_deadline)
        deadline = cancellation.deadline
        call = _ClipCall(request_id_of(request), query.to_domain(), cancellation, engine, state, clip, video)
        if media_type == NDJSON:
            lines = await LineStream.start(gate, request, call.lines, deadline, cancelled)
            stack.push_async_callback(lines.aclose)
            return StreamingLines(lines, stack.pop_all(), NDJSON)
        if media_type == MP4:
            file = await gate.run(request, call.annotated, deadline, cancelled)
            return TemporaryFileResponse(file, stack.pop_all(), MP4)
        if media_type in (PNG, PARQUET):
            work = call.plot if media_type == PNG else call.parquet
            return Response(await gate.run(request, work, deadline, cancelled), media_type=media_type)
        # The text does not need the clip any more: the clip is removed before the text is sent.
        async with AsyncExitStack() as text_stack:
            text = SpooledText(state.clip_uploads.spool)
            text_stack.push_async_callback(text.aclose)
            await gate.run(request, partial(call.write, text, media_type), deadline, cancelled)
            return StreamingLines(text, text_stack.pop_all(), media_type, text.size)


@dataclass(frozen=True, slots=True)
class _ClipCall(AnalysisCall):
    clip: Path
    video: usecase.VideoOptions

    def write(self, text: SpooledText, media_type: str) -> None:
        """The whole answer as one JSON object, or as one of ``TEXTS``."""
        analysis, waited_ms = self._analyzed()
        if media_type in TEXTS:
            text.write(TEXTS[media_type](analysis.timeline))
        else:
            after = {"models": self.active_models(), "timing_ms": timing_document(analysis.times, waited_ms)}
            text.write(analysis_chunks(analysis, {"request_id": self.request_id}, after))

    def plot(self) -> bytes:
        """A PNG file of the scores over time."""
        analysis, _ = self._analyzed()
        sampling = self.video.sampling
        end = analysis.duration if sampling.end is None else min(sampling.end, analysis.duration)
        return encode(plot(analysis.timeline, sampling.start, end), Encoding.PNG)

    def parquet(self) -> bytes:
        """A Parquet file with the columns of the CSV."""
        return clip_formats.parquet(self._analyzed()[0].timeline)

    def annotated(self) -> Path:
        """An MP4 file beside the clip, with people boxed and named.

        Raises:
            StorageFull: when there is no room for it.
        """
        analysis, _ = self._analyzed()
        target = self.clip.with_name(ANNOTATED)
        before = time.monotonic()
        with storage_errors("the annotated clip"):
            for _ in annotate_video(
                self.clip, target, analysis, self.video, self.cancellation, clips=self.state.clips, tell=self._log
            ):
                pass
        self.state.metrics.stage("render", time.monotonic() - before)
        return target

    def lines(self) -> Generator[str]:
        """JSON objects, one per line, told apart by ``type``: ``start``, ``frame`` as they are analysed, and ``end`` or
        ``error``. A long line is yielded in pieces."""
        waited_ms = self.waited_ms()
        with usecase.VideoRun(
            self.clip, self.options, self.video, self.cancellation, engine=self.engine, clips=self.state.clips
        ) as run:
            rows = run.rows()
            first = next(rows, None)  # an error up to here becomes the response
            yield _line("start", {"request_id": self.request_id, "models": self.active_models()})
            try:
                for row in chain([first] if first is not None else [], rows):
                    yield _line("frame", row_document(row, run.labels))
            except MienError as error:
                # The status and half of the answer have been sent: the error becomes the last line.
                problem = problem_of(error)
                members = {"status": problem.status, "title": problem.title, "detail": problem.detail}
                yield _line("error", {**members, "code": problem.code, **problem.extra, "request_id": self.request_id})
                return
            analysis = run.result()
            self.record_stages(analysis.times, waited_ms)
            summary = summary_chunks(
                analysis, {"type": "end"}, {"timing_ms": timing_document(analysis.times, waited_ms)}
            )
            while piece := "".join(islice(summary, _PEOPLE_PER_PIECE)):
                yield piece
            yield "\n"

    def _analyzed(self) -> tuple[usecase.VideoAnalysis, float]:
        waited_ms = self.waited_ms()
        analysis = usecase.analyze_video(
            self.clip, self.options, self.video, self.cancellation, engine=self.engine, clips=self.state.clips
        )
        self.record_stages(analysis.times, waited_ms)
        return analysis, waited_ms

    def _log(self, warning: str) -> None:
        # MP4 has no field for warnings.
        _LOGGER.warning(warning, extra={"fields": {"request_id": self.request_id}})


def _line(kind: str, members: Mapping[str, Any]) -> str:
    return to_json({"type": kind, **members}) + "\n"
