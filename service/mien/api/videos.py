"""``POST /analyze-video``: a clip in, a timeline of people and emotions out."""

import logging
import threading
import time
from collections.abc import Generator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from fastapi import APIRouter, Request, Response

from mien.api import clip_answers, openapi
from mien.api.clip_answers import FILES, MP4, NDJSON, line, offers
from mien.api.dependencies import KEY_NEEDED, AnalysisCall, StateDep
from mien.api.errors import problem_of, request_id_of
from mien.api.job_submission import ClipRequest, IdempotencyKey, check_jobs, submit
from mien.api.negotiation import accept_of, choose
from mien.api.queries import Mode, VideoQueryDep
from mien.api.streaming import LineStream, SpooledText, StreamingLines, TemporaryFileResponse
from mien.api.uploads.body import received_clip
from mien.api.uploads.clip_folder import ANNOTATED
from mien.api.uploads.spool import storage_errors
from mien.errors import MienError, TooLarge
from mien.usecases import analyze_video as usecase
from mien.usecases.annotate_video import annotate_video
from mien.usecases.video_document import row_document

_LOGGER = logging.getLogger(__name__)

router = APIRouter(tags=["clips"], dependencies=[KEY_NEEDED])


@router.post("/analyze-video", responses=openapi.VIDEO_RESPONSES, openapi_extra=openapi.VIDEO_BODY)
async def analyze_video(
    request: Request, query: VideoQueryDep, state: StateDep, key: IdempotencyKey = None
) -> Response:
    """Follow every person through a clip, and predict which emotions human raters would see, and when.

    Send the clip as the multipart field `file` or as the raw body. `Accept` chooses the form: JSON, `text/csv` (one row
    per face), `application/x-ndjson` (one line per frame, as they are analysed), `image/png` (a plot), `video/mp4` (the
    clip with its people boxed and named, sound kept; `redact=true` hides the faces), `text/x-eaf+xml` (ELAN),
    `text/tab-separated-values` (BORIS), `text/vtt` or `application/vnd.apache.parquet`. Clips of which more than
    `MIEN_MAX_CLIP_SECONDS` (300) are to be analysed, and all with `mode=async`, become jobs: the answer is then 202,
    and `Location` leads to the job.
    """
    asked = ClipRequest(request, query, state, choose(accept_of(request.headers), offers()))
    if query.mode is Mode.ASYNC:
        await check_jobs(state, query)  # before the upload, which would be in vain
    async with AsyncExitStack() as stack:
        clip = await stack.enter_async_context(received_clip(request, state.clip_uploads, state.clip_gate))
        if query.mode is Mode.ASYNC:
            return await submit(asked, clip, key)
        try:
            return await _answer(asked, clip, stack)
        except TooLarge as error:
            if query.mode is Mode.SYNC or error.limit != "max_seconds":
                raise
        await check_jobs(state, query)
        return await submit(asked, clip, key)


async def _answer(asked: ClipRequest, clip: Path, stack: AsyncExitStack) -> Response:
    """The analysis, in the response; what it needs longer is taken out of ``stack``."""
    request, query, state, media_type = asked.request, asked.query, asked.state, asked.media_type
    gate, cancelled = state.clip_gate, threading.Event()
    cancellation = query.cancellation(cancelled.is_set, state.clip_deadline)
    deadline = cancellation.deadline
    engine, video = state.engine.get(), query.to_video()
    call = _ClipCall(request_id_of(request), query.to_domain(), cancellation, engine, state, clip, video, query.redact)
    if media_type == NDJSON:
        lines = await LineStream.start(
            gate, request, call.lines, deadline=deadline, cancelled=cancelled, settings=state.clip_uploads.spool
        )
        stack.push_async_callback(lines.aclose)
        return StreamingLines(lines, stack.pop_all(), NDJSON)
    if media_type == MP4:
        file = await gate.run(request, call.annotated, deadline, cancelled)
        return TemporaryFileResponse(file, stack.pop_all(), MP4)
    if media_type in FILES:
        work = partial(call.file, media_type)
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
    redact: bool

    def write(self, text: SpooledText, media_type: str) -> None:
        """The whole answer as a text."""
        analysis, waited_ms = self._analyzed()
        text.write(clip_answers.text(analysis, media_type, self.request_id, self.active_models(), waited_ms))

    def file(self, media_type: str) -> bytes:
        """The whole answer as one of ``FILES``."""
        analysis, _ = self._analyzed()
        return clip_answers.file(analysis, media_type, self.video.sampling)

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
                self.clip,
                target,
                analysis,
                self.video,
                self.cancellation,
                clips=self.state.clips,
                hider=self.engine if self.redact else None,
                tell=self._log,
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
            yield clip_answers.start_line(self.request_id, self.active_models())
            try:
                for row in chain([first] if first is not None else [], rows):
                    yield line("frame", row_document(row, run.labels))
            except MienError as error:
                # The status and half of the answer have been sent: the error becomes the last line.
                problem = problem_of(error)
                members = {"status": problem.status, "title": problem.title, "detail": problem.detail}
                yield line("error", {**members, "code": problem.code, **problem.extra, "request_id": self.request_id})
                return
            analysis = run.result()
            self.record_stages(analysis.times, waited_ms)
            yield from clip_answers.end_line(analysis, analysis.times, waited_ms)

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
