"""The connection of ``mien.Client``: requests with their retries, jobs, and what a server says of itself."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack
from uuid import uuid4

import httpx
import stamina

from mien.client.errors import backoff, error_of, unreachable
from mien.client.jobs import Job, JobState, jobs_call, states_of
from mien.client.options import clip_query
from mien.client.requests import CLIP_SECONDS, Call, check, document_of, headers_for, job_call, job_path
from mien.results.options import ClipKeywords
from mien.results.run import Clip, ModelCard, Service


class Connection:
    """See ``mien.Client``."""

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

    def submit(
        self,
        clip: Clip,
        /,
        *,
        idempotency_key: str | None = None,
        annotated: bool = False,
        redact: bool = False,
        webhook: str | None = None,
        **options: Unpack[ClipKeywords],
    ) -> Job:
        """Upload a clip and let the server analyse it as a job, which goes on without this program.

        Args:
            idempotency_key: the same key gives the same job, however often the clip is submitted.
            annotated: make an annotated clip too, for ``Job.save_annotated``.
            redact: make the faces unrecognisable in it.
            webhook: an address that the server tells of the end.
        """
        query, run = clip_query(self._defaults, options, clip, self._service)
        query |= job_query(redact, webhook)
        call = job_call(run, query, idempotency_key or uuid4().hex, self._seconds, annotated=annotated)
        return Job(self._send, self._download, job_path(self._send(call)), run)

    def job(self, id: str, /) -> Job:
        """A job that was submitted before, perhaps by another program. Asks nothing yet."""
        return Job(self._send, self._download, f"/jobs/{id}", None)

    def jobs(self, *states: str, limit: int = 100) -> list[JobState]:
        """The newest jobs of the server, in these ``states`` only if any are given."""
        return states_of(document_of(self._send(jobs_call(states, limit))))

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

    def _download(self, call: Call, target: Path) -> httpx.Response:
        """The answer; if it is a success with a body (200), the body is written into ``target``."""
        response = self._send(call, stream=True)
        try:
            if response.status_code != httpx.codes.OK:
                response.read()
                return response
            with target.open("wb") as file:
                for piece in response.iter_bytes():
                    file.write(piece)
        except httpx.TransportError as error:
            raise unreachable(error, self._url) from error
        finally:
            response.close()
        return response


def job_query(redact: bool, webhook: str | None) -> dict[str, Any]:
    """The options of a job beside those of its analysis."""
    return {name: value for name, value in (("redact", redact or None), ("webhook", webhook)) if value is not None}


def service_at(url: str, key: str | None) -> Service:
    """What a server says of itself, asked when it is needed."""

    def ask(method: str) -> Any:
        with Connection(url, key) as client:
            return getattr(client, method)()

    return Service(lambda: str(ask("version")), lambda: list(ask("models")))
