"""Making a job of a clip that was received."""

import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import Header, Request
from fastapi.responses import JSONResponse

from mien.api.access import owner_of
from mien.api.clip_answers import MP4
from mien.api.dependencies import AppState
from mien.api.errors import request_id_of
from mien.api.job_schemas import JobOut
from mien.api.queries import VideoQuery
from mien.jobs.model import JobRequest

_BYTES_PER_SECOND = 4 << 20
"""A store that takes a clip more slowly is taken to be away."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="of a job: sent again with the same request, it gives the same job",
    ),
]


@dataclass(frozen=True, slots=True)
class ClipRequest:
    """A request for the analysis of a clip; ``media_type`` is the form chosen by ``Accept``."""

    request: Request
    query: VideoQuery
    state: AppState
    media_type: str


async def check_jobs(state: AppState, query: VideoQuery) -> None:
    """Raise ``JobsUnavailable`` if no job can be made now, and ``InvalidOption`` if not this one."""
    query.to_video()
    if query.webhook is not None:
        state.jobs.check_webhook(query.webhook)
    await state.job_calls.run(state.jobs.check_ready)


async def submit(asked: ClipRequest, clip: Path, key: str | None) -> JSONResponse:
    """The answer 202 for a new job, or for the one that ``key`` gave before.

    Raises:
        InputError: the clip cannot be read, or is over a limit of jobs.
        DeadlineExceeded: it took too long to find that out.
        StorageFull: there is no room for it in the object store.
        JobsUnavailable, KeyReused: see ``JobService``.
    """
    request, query, state = asked.request, asked.query, asked.state
    annotated = asked.media_type == MP4
    owner = owner_of(request)
    wanted = JobRequest(
        query.to_domain(), query.to_video(), annotated, query.webhook, request_id_of(request), owner, query.redact
    )
    # Behind the gate: opening a clip may take a while and memory.
    cancelled = threading.Event()
    cancellation = query.cancellation(cancelled.is_set, state.clip_deadline)
    check = partial(state.jobs.check_clip, clip, wanted, cancellation)
    await state.clip_gate.run(request, check, cancellation.deadline, cancelled)
    seconds = 10 + clip.stat().st_size / _BYTES_PER_SECOND  # noqa: ASYNC240 - a file that was just written
    scoped = None if key is None else f"{owner}:{key}"  # callers may choose the same one
    job = await state.job_calls.run(state.jobs.submit, clip, wanted, scoped, seconds=seconds)
    status = await state.job_calls.run(state.jobs.find, job, owner)
    body = JobOut.of(status).model_dump(mode="json")
    return JSONResponse(body, 202, headers={"Location": f"/jobs/{job}"})
