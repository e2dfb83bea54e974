"""``mien.Client``: Mien on a server, with the results of ``mien.analyze``."""

from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self, Unpack, overload
from uuid import uuid4

import httpx
import stamina

from mien.client.errors import RequestRefused, backoff, error_of, unreachable
from mien.client.jobs import Job
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
from mien.images.encode import Encoding
from mien.results.clip import ClipResult
from mien.results.documents import TimelineFrame
from mien.results.inputs import Colour, Picture, picture_input
from mien.results.options import ClipKeywords, Many, PictureKeywords
from mien.results.picture import PictureResult
from mien.results.run import Clip, ModelCard, Service


class Client:
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
        self._http = httpx.Client(base_url=url, headers=headers_for(key))
        self._service = service_at(url, key)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

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
            return Job(self._send, job_path(response), run).wait(self._timeout)
        return ClipResult.from_dict(document_of(response), run)

    def frames(self, clip: Clip, /, **options: Unpack[ClipKeywords]) -> Iterator[TimelineFrame]:
        """The frames of a clip as the server analyses them."""
        query, run = clip_query(self._defaults, options, clip, self._service)
        response = self._send(clip_call(run, query, "application/x-ndjson", self._seconds), stream=True)
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

    def submit(self, clip: Clip, /, *, idempotency_key: str | None = None, **options: Unpack[ClipKeywords]) -> Job:
        """Upload a clip and let the server analyse it as a job, which goes on without this program.

        Args:
            idempotency_key: the same key gives the same job, however often the clip is submitted.
        """
        query, run = clip_query(self._defaults, options, clip, self._service)
        call = job_call(run, query, idempotency_key or uuid4().hex, self._seconds)
        return Job(self._send, job_path(self._send(call)), run)

    def models(self) -> list[ModelCard]:
        """The models that answer."""
        models = document_of(self._send(Call("GET", "/models")))["models"]
        return [ModelCard(model["name"], model["version"], model["card"]) for model in models if model["active"]]

    def version(self) -> str:
        """The server's version of Mien."""
        return str(document_of(self._send(Call("GET", "/v2")))["version"])

    def _send(self, call: Call, *, stream: bool = False) -> httpx.Response:
        for attempt in stamina.retry_context(on=backoff, attempts=self._attempts, timeout=self._seconds):
            with attempt, ExitStack() as files:
                try:
                    response = self._http.send(call.build(self._http, files), stream=stream)
                    if stream and not response.is_success:
                        response.read()
                        raise error_of(response)
                except httpx.TransportError as error:
                    raise unreachable(error, self._url) from error
                return response if stream else check(response)
        raise AssertionError("stamina always returns or raises")


def service_at(url: str, key: str | None) -> Service:
    """What a server says of itself, asked when it is needed."""

    def ask(method: str) -> Any:
        with Client(url, key) as client:
            return getattr(client, method)()

    return Service(lambda: str(ask("version")), lambda: list(ask("models")))
