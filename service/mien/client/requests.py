"""The requests of the clients and what their answers say: the same for ``Client`` and ``AsyncClient``."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

import httpx
import msgspec

from mien.client.errors import RequestRefused, ServerError, error_of, problem_error
from mien.domain import AnalyzeOptions
from mien.results.documents import TimelineFrame, convert
from mien.results.inputs import Colour, content_of, readable_input
from mien.results.options import Many
from mien.results.picture import PictureResult
from mien.results.run import ClipRun, PictureRun, Service
from mien.usecases.analyze_image import PictureInput
from mien.version import VERSION

CONNECT_SECONDS = 5.0
PICTURE_SECONDS = 75.0  # the server's own deadline is 60 s by default
CLIP_SECONDS = 330.0  # and 300 s for a clip
_GROUP_PICTURES = 16
_GROUP_BYTES = 32 << 20  # a server takes 64 pictures and 64 MiB by default

MP4 = "video/mp4"

Upload = tuple[str, bytes | Path]


@dataclass(frozen=True, slots=True)
class Call:
    """One request: ``uploads`` are (file name, bytes or the file's path), sent as a form."""

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    uploads: Sequence[Upload] = ()
    seconds: float = PICTURE_SECONDS

    def build(self, client: httpx.Client | httpx.AsyncClient, files: ExitStack) -> httpx.Request:
        """The request; ``files`` closes the files that it reads from."""
        parts: list[tuple[str, tuple[str, bytes | IO[bytes]]]] = []
        for name, content in self.uploads:
            body = files.enter_context(content.open("rb")) if isinstance(content, Path) else content
            parts.append(("file", (name, body)))
        return client.build_request(
            self.method,
            self.path,
            params=dict(self.params),
            headers=dict(self.headers),
            files=parts or None,
            timeout=httpx.Timeout(self.seconds, connect=CONNECT_SECONDS),
        )


def headers_for(key: str | None) -> dict[str, str]:
    """What every request carries."""
    headers = {"User-Agent": f"mien-python/{VERSION}"}
    return headers if key is None else headers | {"Authorization": f"Bearer {key}"}


def check(response: httpx.Response) -> httpx.Response:
    """``response``, whose body has been read.

    Raises:
        ServerError: it is an error.
    """
    if not response.is_success:
        raise error_of(response)
    return response


def picture_call(given: Sequence[PictureInput], params: Mapping[str, Any], accept: str = "application/json") -> Call:
    """``POST /predict``; the pictures have been read."""
    uploads = [(one.name or "picture", one.content) for one in given if isinstance(one.content, bytes)]
    return Call("POST", "/predict", params, {"Accept": accept}, uploads)


def clip_call(
    run: ClipRun, params: Mapping[str, Any], accept: str = "application/json", seconds: float = CLIP_SECONDS
) -> Call:
    """``POST /analyze-video``."""
    return Call("POST", "/analyze-video", params, {"Accept": accept}, [(run.clip.name, run.clip.path)], seconds)


def document_of(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer.

    Raises:
        ServerError: it is none: most likely not Mien's server.
    """
    try:
        return msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ServerError("not_mien", f"The answer of {response.url} is not Mien's JSON ({error}).") from None


class PictureList:
    """A list of pictures, sent in groups within the server's usual limits, and their results in order.

    A picture that cannot be read, here or by the server, gets a result with an ``error``.
    """

    def __init__(self, pictures: Many, colour: Colour | None, options: AnalyzeOptions, service: Service) -> None:
        self._pictures = pictures
        self._colour = colour
        self._options = options
        self._service = service
        self.results: list[PictureResult] = []

    def groups(self) -> Iterator[list[PictureInput]]:
        """What to send in one request each; for each call ``add`` or ``fail`` before the next is drawn."""
        group: list[PictureInput] = []
        size = 0
        for picture in self._pictures:
            given = readable_input(picture, self._colour, small=True)
            if not isinstance(given.content, bytes):
                yield from filter(None, [group])
                group, size = [], 0
                self._fail(given, {"code": given.content.code, "detail": str(given.content)})
                continue
            if group and (len(group) == _GROUP_PICTURES or size + len(given.content) > _GROUP_BYTES):
                yield group
                group, size = [], 0
            group.append(given)
            size += len(given.content)
        yield from filter(None, [group])

    def add(self, group: Sequence[PictureInput], document: Mapping[str, Any]) -> None:
        """The answer for ``group``."""
        for given, image in zip(group, document["images"], strict=True):
            entry = {**image, "index": len(self.results), "name": given.name}
            self.results.append(picture_result(entry, given, self._options, self._service))

    def fail(self, group: Sequence[PictureInput], error: RequestRefused) -> None:
        """The refusal of ``group``: a picture sent alone gets its error as a status.

        Raises:
            RequestRefused: it is about the request and not about one picture.
        """
        if len(group) > 1 or error.status not in (413, 415, 422) or error.code == "invalid_option":
            raise error
        problem = {"code": error.code, "detail": error.detail, "status": error.status, "title": error.title}
        self._fail(group[0], problem)

    def _fail(self, given: PictureInput, error: Mapping[str, Any]) -> None:
        self.results.append(
            PictureResult.from_dict(
                {
                    "index": len(self.results),
                    "name": given.name,
                    "width": None,
                    "height": None,
                    "warnings": [],
                    "faces": [],
                    "error": error,
                }
            )
        )


def picture_result(
    image: Mapping[str, Any], given: PictureInput, options: AnalyzeOptions, service: Service
) -> PictureResult:
    """The result of an entry of ``images``."""
    return PictureResult.from_dict(image, PictureRun(partial(content_of, given), options, service))


class FrameLines:
    """Reads the lines of an NDJSON answer; ``ended`` is whether the last one came."""

    def __init__(self) -> None:
        self.ended = False

    def frame(self, line: str) -> TimelineFrame | None:
        """The frame of ``line``, or ``None`` for another kind.

        Raises:
            ServerError: the analysis failed.
        """
        document = msgspec.json.decode(line, type=dict[str, Any])
        kind = document.pop("type")
        if kind == "frame":
            return convert(document, TimelineFrame)
        if kind == "error":
            raise problem_error(document, "The analysis failed.")
        self.ended = kind == "end"
        return None

    def check_end(self) -> None:
        """Raises ``ServerError`` if the answer broke off."""
        if not self.ended:
            raise ServerError("broken_off", "The server's answer broke off before its last line; try again.")


def job_call(
    run: ClipRun, params: Mapping[str, Any], idempotency_key: str, seconds: float, *, annotated: bool = False
) -> Call:
    """``POST /analyze-video``: an answer that was lost does not make a second job."""
    headers = {"Accept": MP4 if annotated else "application/json", "Idempotency-Key": idempotency_key}
    uploads = [(run.clip.name, run.clip.path)]
    return Call("POST", "/analyze-video", {**params, "mode": "async"}, headers, uploads, seconds)


def job_path(response: httpx.Response) -> str:
    """The path of the job that the server made.

    Raises:
        ServerError: it made none.
    """
    location = response.headers.get("location")
    if response.status_code != httpx.codes.ACCEPTED or location is None:
        raise ServerError("no_jobs", "The server answered without a job; is it of a version without jobs?")
    return httpx.URL(location).raw_path.decode()
