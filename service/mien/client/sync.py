"""``mien.Client``: Mien on a server, with the results of ``mien.analyze``."""

from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Unpack, overload

import httpx

from mien.client.connection import Connection, job_query
from mien.client.errors import RequestRefused, unreachable
from mien.client.jobs import Job
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


class Client(Connection):
    """A connection to a server, for any number of requests from any number of threads; a context manager.

    A request that the server is too busy for is sent again after the time that it names (``Retry-After``), and one that
    does not reach it after a growing time.

    Args:
        url: for example ``http://127.0.0.1:8000``.
        key: an API key, if the server requires one.
        timeout: seconds to wait for the answer for a clip; by default a little more than the server allows itself, and
            without end for a clip that the server makes a job of.
        attempts: how often a request is sent at most.
        options: hold for every call that does not give its own; see ``mien.Analyzer``.

    Every method raises:
        RequestRefused: the caller can fix it; also an ``InputError``.
        ServerBusy, ServerUnreachable: try again later; also ``CapacityError``.
        ServerError: the server failed. All of them carry ``code``, ``status``, ``detail`` and ``request_id``.
    """

    @overload
    def analyze(
        self, picture: Picture, /, *, colour: Colour | None = None, **options: Unpack[PictureKeywords]
    ) -> PictureResult: ...
    @overload
    def analyze(
        self, picture: Many, /, *, colour: Colour | None = None, **options: Unpack[PictureKeywords]
    ) -> list[PictureResult]: ...
    def analyze(
        self, picture: Picture | Many, /, *, colour: Colour | None = None, **options: Unpack[PictureKeywords]
    ) -> PictureResult | list[PictureResult]:
        """As ``Analyzer.analyze``, on the server."""
        query, chosen = picture_query(self._defaults, options)
        if isinstance(picture, list | tuple):
            pictures = PictureList(picture, colour, chosen, self._service)
            for group in pictures.groups():
                try:
                    pictures.add(group, document_of(self._send(picture_call(group, query))))
                except RequestRefused as error:
                    pictures.fail(group, error)
            return pictures.results
        given = picture_input(picture, colour, small=True)
        (image,) = document_of(self._send(picture_call([given], query)))["images"]
        return picture_result({**image, "name": given.name}, given, chosen, self._service)

    def annotate(
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
        return self._send(picture_call([given], query, encoding.value)).content

    @overload
    def analyze_video(self, clip: Clip, /, **options: Unpack[ClipKeywords]) -> ClipResult: ...
    @overload
    def analyze_video(self, clip: Many, /, **options: Unpack[ClipKeywords]) -> list[ClipResult]: ...
    def analyze_video(self, clip: Clip | Many, /, **options: Unpack[ClipKeywords]) -> ClipResult | list[ClipResult]:
        """As ``Analyzer.analyze_video``, on the server."""
        if isinstance(clip, list | tuple):
            return [self.analyze_video(one, **options) for one in clip]
        query, run = clip_query(self._defaults, options, clip, self._service)
        response = self._send(clip_call(run, query, seconds=self._seconds))
        if response.status_code == httpx.codes.ACCEPTED:  # the server makes a job of a long clip
            return self._job(response, run).wait(self._timeout)
        return ClipResult.from_dict(document_of(response), run)

    def frames(self, clip: Clip, /, **options: Unpack[ClipKeywords]) -> Iterator[TimelineFrame]:
        """The frames of a clip as the server analyses them; of a long clip, of which it makes a job, at its end."""
        query, run = clip_query(self._defaults, options, clip, self._service)
        response = self._send(clip_call(run, query, "application/x-ndjson", self._seconds), stream=True)
        if response.status_code == httpx.codes.ACCEPTED:
            response.close()
            yield from self._job(response, run).wait(self._timeout).timeline
            return
        lines = FrameLines()
        try:
            for line in response.iter_lines():
                frame = lines.frame(line)
                if frame is not None:
                    yield frame
        except httpx.TransportError as error:
            raise unreachable(error, self._url) from error
        finally:
            response.close()
        lines.check_end()

    def annotate_video(
        self, clip: Clip, path: str | PathLike[str], /, *, redact: bool = False, **options: Unpack[ClipKeywords]
    ) -> Path:
        """As ``Analyzer.annotate_video``, on the server."""
        query, run = clip_query(self._defaults, options, clip, self._service)
        call = clip_call(run, query | job_query(redact, None), MP4, self._seconds)
        with replacing(path, run.clip.path) as drawn:
            response = self._download(call, drawn)
            if response.status_code == httpx.codes.ACCEPTED:
                self._job(response, run).download(drawn, self._timeout)
        return Path(path)

    def _job(self, response: httpx.Response, run: ClipRun) -> Job:
        """The job that the server made of a long clip."""
        return Job(self._send, self._download, job_path(response), run)
