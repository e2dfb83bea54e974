"""``mien.AsyncClient``: ``mien.Client`` for programs with an event loop."""

from collections.abc import AsyncIterator
from os import PathLike
from pathlib import Path
from typing import Unpack, overload

import httpx

from mien.client.async_connection import AsyncConnection
from mien.client.async_jobs import AsyncJob
from mien.client.connection import job_query
from mien.client.errors import RequestRefused, unreachable
from mien.client.options import clip_query, picture_query
from mien.client.requests import (
    MP4,
    FrameLines,
    PictureList,
    clip_call,
    document_of,
    job_path,
    picture_call,
    picture_result,
)
from mien.images.encode import Encoding
from mien.results.clip import ClipResult
from mien.results.documents import TimelineFrame
from mien.results.files import replacing
from mien.results.inputs import Colour, Picture, picture_input
from mien.results.options import ClipKeywords, Many, PictureKeywords
from mien.results.picture import PictureResult
from mien.results.run import Clip, ClipRun


class AsyncClient(AsyncConnection):
    """As ``mien.Client``, which describes the arguments and the errors, with methods to be awaited."""

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
            return await self._job(response, run).wait(self._timeout)
        return ClipResult.from_dict(document_of(response), run)

    async def frames(self, clip: Clip, /, **options: Unpack[ClipKeywords]) -> AsyncIterator[TimelineFrame]:
        """As ``Client.frames``."""
        query, run = clip_query(self._defaults, options, clip, self._service)
        response = await self._send(clip_call(run, query, "application/x-ndjson", self._seconds), stream=True)
        if response.status_code == httpx.codes.ACCEPTED:
            await response.aclose()
            for frame in (await self._job(response, run).wait(self._timeout)).timeline:
                yield frame
            return
        lines = FrameLines()
        try:
            async for line in response.aiter_lines():
                found = lines.frame(line)
                if found is not None:
                    yield found
        except httpx.TransportError as error:
            raise unreachable(error, self._url) from error
        finally:
            await response.aclose()
        lines.check_end()

    async def annotate_video(
        self, clip: Clip, path: str | PathLike[str], /, *, redact: bool = False, **options: Unpack[ClipKeywords]
    ) -> Path:
        """As ``Client.annotate_video``."""
        query, run = clip_query(self._defaults, options, clip, self._service)
        call = clip_call(run, query | job_query(redact, None), MP4, self._seconds)
        with replacing(path, run.clip.path) as drawn:
            response = await self._download(call, drawn)
            if response.status_code == httpx.codes.ACCEPTED:
                await self._job(response, run).download(drawn, self._timeout)
        return Path(path)

    def _job(self, response: httpx.Response, run: ClipRun) -> AsyncJob:
        return AsyncJob(self._send, self._download, job_path(response), run)
