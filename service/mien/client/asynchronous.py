"""``mien.AsyncClient``: ``mien.Client`` for programs with an event loop."""

import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import ExitStack
from types import TracebackType
from typing import Protocol, Self, Unpack, overload
from uuid import uuid4

import anyio
import httpx
import stamina

from mien.client.errors import RequestRefused, backoff, error_of, unreachable
from mien.client.jobs import POLL_SECONDS, JobState, not_in_time, progress_bar, state_of
from mien.client.options import clip_query, picture_query
from mien.client.requests import (
    CLIP_SECONDS,
    Call,
    FrameLines,
    PictureList,
    check,
    clip_call,
    document_of,
    headers_for,
    job_call,
    job_path,
    picture_call,
    picture_result,
)
from mien.client.sync import service_at
from mien.images.encode import Encoding
from mien.results.clip import ClipResult
from mien.results.documents import TimelineFrame
from mien.results.inputs import Colour, Picture, picture_input
from mien.results.options import ClipKeywords, Many, PictureKeywords
from mien.results.picture import PictureResult
from mien.results.run import Clip, ClipRun


class AsyncClient:
    """As ``mien.Client``, which describes the arguments and the errors, with methods to be awaited."""

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

    @overload
    async def analyze(
        self, picture: Picture, /, *, colour: Colour | None = None, **options: Unpack[PictureKeywords]
    ) -> PictureResult: ...
    @overload
    async def analyze(
        self, picture: Many, /, *, colour: Colour | None = None, **options: Unpack[PictureKeywords]
    ) -> list[PictureResult]: ...
    async def analyze(
        self, picture: Picture | Many, /, *, colour: Colour | None = None, **options: Unpack[PictureKeywords]
    ) -> PictureResult | list[PictureResult]:
        """As ``Analyzer.analyze``, on the server."""
        query, chosen = picture_query(self._defaults, options)
        if isinstance(picture, list | tuple):
            pictures = PictureList(picture, colour, chosen, self._service)
            for group in pictures.groups():
                try:
                    pictures.add(group, document_of(await self._send(picture_call(group, query))))
                except RequestRefused as error:
                    pictures.fail(group, error)
            return pictures.results
        given = picture_input(picture, colour, small=True)
        (image,) = document_of(await self._send(picture_call([given], query)))["images"]
        return picture_result({**image, "name": given.name}, given, chosen, self._service)

    async def annotate(
        self,
        picture: Picture,
        *,
        colour: Colour | None = None,
        explain: bool = False,
        redact: bool = False,
        encoding: Encoding = Encoding.PNG,
        **options: Unpack[PictureKeywords],
    ) -> bytes:
        """As ``Analyzer.annotate``, on the server."""
        query, _ = picture_query(self._defaults, options)
        query |= {"explain": explain, "redact": redact}
        given = picture_input(picture, colour, small=True)
        return (await self._send(picture_call([given], query, encoding.value))).content

    async def analyze_video(self, clip: Clip, /, **options: Unpack[ClipKeywords]) -> ClipResult:
        """As ``Analyzer.analyze_video``, on the server, for one clip: several at once are several tasks."""
        query, run = clip_query(self._defaults, options, clip, self._service)
        response = await self._send(clip_call(run, query, seconds=self._seconds))
        if response.status_code == httpx.codes.ACCEPTED:
            return await AsyncJob(self._send, job_path(response), run).wait(self._timeout)
        return ClipResult.from_dict(document_of(response), run)

    async def frames(self, clip: Clip, /, **options: Unpack[ClipKeywords]) -> AsyncIterator[TimelineFrame]:
        """The frames of a clip as the server analyses them."""
        query, run = clip_query(self._defaults, options, clip, self._service)
        response = await self._send(clip_call(run, query, "application/x-ndjson", self._seconds), stream=True)
        lines = FrameLines()
        try:
            async for line in response.aiter_lines():
                frame = lines.frame(line)
                if frame is not None:
                    yield frame
        except httpx.TransportError as error:
            raise unreachable(error, self._url) from error
        finally:
            await response.aclose()
        lines.check_end()

    async def submit(
        self, clip: Clip, /, *, idempotency_key: str | None = None, **options: Unpack[ClipKeywords]
    ) -> "AsyncJob":
        """As ``Client.submit``."""
        query, run = clip_query(self._defaults, options, clip, self._service)
        call = job_call(run, query, idempotency_key or uuid4().hex, self._seconds)
        return AsyncJob(self._send, job_path(await self._send(call)), run)

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


class _Send(Protocol):
    def __call__(self, call: Call) -> Awaitable[httpx.Response]: ...


class AsyncJob:
    """As ``Job``, with methods to be awaited."""

    def __init__(self, send: _Send, path: str, run: ClipRun) -> None:
        self._send = send
        self._run = run
        self.path = path

    @property
    def id(self) -> str:
        """Its id on the server."""
        return self.path.rstrip("/").rpartition("/")[2]

    async def state(self) -> JobState:
        """How far it is."""
        return state_of(document_of(await self._send(Call("GET", self.path))))

    async def wait(self, timeout: float | None = None, *, progress: bool = False) -> ClipResult:  # noqa: ASYNC109
        """As ``Job.wait``."""
        deadline = None if timeout is None else time.monotonic() + timeout
        pause, longest = POLL_SECONDS
        with progress_bar(progress) as advance:
            while not (state := await self.state()).ended:
                advance(state.progress or 0.0)
                if deadline is not None and time.monotonic() + pause > deadline:
                    raise not_in_time(self.path)
                await anyio.sleep(pause)
                pause = min(longest, 1.5 * pause)
            advance(1.0)
        state.raise_if_failed(self.path)
        return await self.result()

    async def result(self) -> ClipResult:
        """Its result. Raises ``ServerError`` while there is none."""
        return ClipResult.from_dict(document_of(await self._send(Call("GET", f"{self.path}/result"))), self._run)

    async def cancel(self) -> None:
        """Stop it, and delete what the server keeps of it."""
        await self._send(Call("DELETE", self.path))
