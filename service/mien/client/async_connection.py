"""The connection of ``mien.AsyncClient``."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack
from uuid import uuid4

import httpx
import stamina

from mien.client.async_jobs import AsyncJob
from mien.client.connection import job_query, service_at
from mien.client.errors import backoff, error_of, unreachable
from mien.client.jobs import JobState, jobs_call, states_of
from mien.client.options import clip_query
from mien.client.requests import CLIP_SECONDS, Call, check, document_of, headers_for, job_call, job_path
from mien.results.options import ClipKeywords
from mien.results.run import Clip


class AsyncConnection:
    """As ``Connection``, with methods to be awaited."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float | None = None,
        attempts: int = 5,
        **options: Unpack[ClipKeywords],
    ) -> None:
        self._url = url
        self._timeout = timeout
        self._seconds = CLIP_SECONDS if timeout is None else timeout
        self._attempts = attempts
        self._defaults = options
        self._http = httpx.AsyncClient(base_url=url, headers=headers_for(key))
        self._service = service_at(url, key)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def submit(
        self,
        clip: Clip,
        /,
        *,
        idempotency_key: str | None = None,
        annotated: bool = False,
        redact: bool = False,
        webhook: str | None = None,
        **options: Unpack[ClipKeywords],
    ) -> AsyncJob:
        """As ``Client.submit``."""
        query, run = clip_query(self._defaults, options, clip, self._service)
        query |= job_query(redact, webhook)
        call = job_call(run, query, idempotency_key or uuid4().hex, self._seconds, annotated=annotated)
        return AsyncJob(self._send, self._download, job_path(await self._send(call)), run)

    def job(self, id: str, /) -> AsyncJob:
        """As ``Client.job``."""
        return AsyncJob(self._send, self._download, f"/jobs/{id}", None)

    async def jobs(self, *states: str, limit: int = 100) -> list[JobState]:
        """As ``Client.jobs``."""
        return states_of(document_of(await self._send(jobs_call(states, limit))))

    async def _send(self, call: Call, *, stream: bool = False) -> httpx.Response:
        async for attempt in stamina.retry_context(on=backoff, attempts=self._attempts, timeout=self._seconds):
            with attempt, ExitStack() as files:
                try:
                    response = await self._http.send(call.build(self._http, files), stream=stream)
                    if stream and not response.is_success:
                        await response.aread()
                        raise error_of(response)
                except httpx.TransportError as error:
                    raise unreachable(error, self._url) from error
                return response if stream else check(response)
        raise AssertionError("stamina always returns or raises")

    async def _download(self, call: Call, target: Path) -> httpx.Response:
        """The answer; if it is a success with a body (200), the body is written into ``target``."""
        response = await self._send(call, stream=True)
        try:
            if response.status_code != httpx.codes.OK:
                await response.aread()
                return response
            with target.open("wb") as file:
                async for piece in response.aiter_bytes():
                    file.write(piece)
        except httpx.TransportError as error:
            raise unreachable(error, self._url) from error
        finally:
            await response.aclose()
        return response
