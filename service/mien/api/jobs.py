"""``/jobs``: the state, the events and the result of long analyses."""

import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Annotated

from anyio import sleep
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from sse_starlette import EventSourceResponse, ServerSentEvent

from mien.api import clip_answers, openapi
from mien.api.access import owner_of
from mien.api.clip_answers import FILES, MP4, offers
from mien.api.dependencies import KEY_NEEDED, AppState, GetRoute, StateDep
from mien.api.job_schemas import JobOut, JobsOut
from mien.api.negotiation import accept_of, choose
from mien.api.streaming import SpooledText, StreamingLines
from mien.jobs.model import JobState

_POLL_SECONDS = 0.5


async def _owner(request: Request) -> str:
    return owner_of(request)


router = APIRouter(route_class=GetRoute, tags=["jobs"], dependencies=[KEY_NEEDED])
deleting = APIRouter(tags=["jobs"], dependencies=[KEY_NEEDED])

OwnerDep = Annotated[str, Depends(_owner)]
"""Whose jobs the caller may see. The key is checked first: dependencies of the router come before those of a route."""
JobId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="from the answer 202 of /analyze-video")]


@router.get("/jobs", responses=openapi.problems(401, 403, 421, 422, 429, 503), summary="List the jobs")
async def list_jobs(
    owner: OwnerDep,
    state: StateDep,
    states: Annotated[list[JobState], Query(alias="state", description="only those in these states")] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=1000, description="at most so many, the newest")] = 100,
) -> JobsOut:
    """The jobs that were submitted with your key, the newest first; without keys, everyone's."""
    found = await state.job_calls.run(state.jobs.listed, owner, states, limit)
    return JobsOut(jobs=[JobOut.of(one) for one in found])


@router.get("/jobs/{job}", responses=openapi.problems(401, 403, 404, 421, 422, 429, 503), summary="The state of a job")
async def get_job(job: JobId, owner: OwnerDep, state: StateDep) -> JobOut:
    """State, progress, and the estimated time left."""
    return JobOut.of(await state.job_calls.run(state.jobs.find, job, owner))


@router.get("/jobs/{job}/events", responses=openapi.EVENT_RESPONSES, summary="The state of a job, as it changes")
async def job_events(job: JobId, owner: OwnerDep, state: StateDep) -> Response:
    """Server-sent events: `progress` with the job as data whenever it changes, and at last `end`."""
    first = JobOut.of(await state.job_calls.run(state.jobs.find, job, owner))
    return EventSourceResponse(_events(state, owner, first), ping=15)


@router.get("/jobs/{job}/result", responses=openapi.RESULT_RESPONSES, summary="The result of a job")
async def job_result(request: Request, job: JobId, owner: OwnerDep, state: StateDep) -> Response:
    """The answer that `/analyze-video` would have given, in any of its forms; `video/mp4` if the clip was submitted
    with `Accept: video/mp4`."""
    media_type = choose(accept_of(request.headers), offers())
    if media_type == MP4:
        pieces = await state.job_calls.run(state.jobs.annotated, job, owner)
        return StreamingResponse(pieces, media_type=MP4)
    cancelled = threading.Event()
    await state.job_calls.run(state.jobs.find, job, owner)  # bounded, unlike the work behind the gate
    async with AsyncExitStack() as stack:
        text = SpooledText(state.clip_uploads.spool)
        stack.push_async_callback(text.aclose)

        def work() -> bytes | None:
            status, analysis, models = state.jobs.result(job, owner)
            if media_type in FILES:
                return clip_answers.file(analysis, media_type, status.request.video.sampling)
            text.write(clip_answers.text(analysis, media_type, status.request.request_id, models))
            return None

        file = await state.clip_gate.run(request, work, None, cancelled)
        if file is not None:
            return Response(file, media_type=media_type)
        return StreamingLines(text, stack.pop_all(), media_type, text.size)


@deleting.delete(
    "/jobs/{job}",
    status_code=204,
    responses=openapi.problems(401, 403, 404, 421, 422, 429, 503),
    summary="Cancel a job",
)
async def cancel_job(job: JobId, owner: OwnerDep, state: StateDep) -> None:
    """Cancel a job, or remove one that has ended. Its clip and its result are deleted."""
    await state.job_calls.run(state.jobs.cancel, job, owner)


async def _events(state: AppState, owner: str, first: JobOut) -> AsyncIterator[ServerSentEvent]:
    known, job = None, first
    while True:
        if job != known:
            yield ServerSentEvent(job.model_dump_json(), event="progress" if job.state.is_active else "end")
            known = job
        if not job.state.is_active:
            return
        await sleep(_POLL_SECONDS)
        job = JobOut.of(await state.job_calls.run(state.jobs.find, first.id, owner))
