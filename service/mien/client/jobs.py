"""Clip jobs on a server: submitted, polled, and their results."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

import click
import httpx

from mien.client.errors import JobFailed, ServerUnreachable
from mien.client.requests import CLIP_SECONDS, MP4, Call, document_of
from mien.results.clip import ClipResult
from mien.results.files import replacing
from mien.results.run import ClipRun

POLL_SECONDS = (0.2, 5.0)  # from, to; half as long again each time


@dataclass(frozen=True, slots=True)
class JobState:
    """``state`` as the server names it, ``progress`` from 0 to 1, ``eta`` in seconds, if they are known."""

    state: str
    progress: float | None
    eta: float | None
    document: dict[str, Any]

    @property
    def id(self) -> str:
        """Of the job."""
        return str(self.document.get("id", ""))

    @property
    def ended(self) -> bool:
        """Whether it will not change any more."""
        return self.state in _ENDED

    @property
    def succeeded(self) -> bool:
        """Whether there is a result."""
        return self.state == _SUCCEEDED

    def raise_if_failed(self, path: str) -> None:
        """Raises ``JobFailed`` if it ended without a result."""
        if self.ended and not self.succeeded:
            error = self.document.get("error") or {}
            detail = error.get("detail", f"The job {path} ended without a result ({self.state}).")
            raise JobFailed(str(error.get("code", self.state)), detail, status=error.get("status"), problem=error)


_SUCCEEDED = "succeeded"
_ENDED = frozenset({_SUCCEEDED, "failed", "cancelled"})


class Send(Protocol):
    """Sends a request and returns its answer. Raises ``ServerError``."""

    def __call__(self, call: Call) -> httpx.Response: ...


class Download(Protocol):
    """The same, but the body of the answer goes into the file ``target``."""

    def __call__(self, call: Call, target: Path) -> httpx.Response: ...


class Job:
    """A clip that a server analyses. ``path`` is its address on the server, ``/jobs/{id}``; ``run`` is known if it was
    submitted here."""

    def __init__(self, send: Send, download: Download, path: str, run: ClipRun | None) -> None:
        self._send = send
        self._download = download
        self._run = run
        self.path = path

    @property
    def id(self) -> str:
        """Its id on the server."""
        return self.path.rstrip("/").rpartition("/")[2]

    def state(self) -> JobState:
        """How far it is."""
        return state_of(document_of(self._send(Call("GET", self.path))))

    def wait(self, timeout: float | None = None, *, progress: bool = False) -> ClipResult:
        """Wait until it has ended; ``progress`` shows a bar on the terminal.

        Raises:
            JobFailed: it failed or was cancelled.
            ServerUnreachable: it has not ended within ``timeout`` seconds; it goes on.
        """
        self._wait(timeout, progress)
        return self.result()

    def result(self) -> ClipResult:
        """Its result. Raises ``ServerError`` while there is none."""
        return ClipResult.from_dict(document_of(self._send(Call("GET", f"{self.path}/result"))), self._run)

    def save_annotated(
        self, path: str | PathLike[str], timeout: float | None = None, *, progress: bool = False
    ) -> Path:
        """Wait until it has ended, and write its annotated clip, an .mp4.

        Raises:
            JobFailed, ServerUnreachable: as ``wait``.
            RequestRefused: it was submitted without ``annotated``.
            InvalidOption: ``path`` has another suffix.
            StorageFull: it cannot be written.
        """
        with replacing(path, None) as new:
            self.download(new, timeout, progress=progress)
        return Path(path)

    def download(self, target: Path, timeout: float | None = None, *, progress: bool = False) -> None:
        """``save_annotated`` into a file whose name and content do not matter."""
        self._wait(timeout, progress)
        self._download(annotated_call(self.path), target)

    def _wait(self, timeout: float | None, progress: bool) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        pause, longest = POLL_SECONDS
        with progress_bar(progress) as advance:
            while not (state := self.state()).ended:
                advance(state.progress or 0.0)
                if deadline is not None and time.monotonic() + pause > deadline:
                    raise not_in_time(self.path)
                time.sleep(pause)
                pause = min(longest, 1.5 * pause)
            advance(1.0)
        state.raise_if_failed(self.path)

    def cancel(self) -> None:
        """Stop it, and delete what the server keeps of it."""
        self._send(Call("DELETE", self.path))


def state_of(document: dict[str, Any]) -> JobState:
    """A job's document."""
    progress, eta = document.get("progress"), document.get("eta_seconds")
    return JobState(
        str(document.get("state", "")),
        float(progress) if isinstance(progress, int | float) else None,
        float(eta) if isinstance(eta, int | float) else None,
        document,
    )


def jobs_call(states: Sequence[str], limit: int) -> Call:
    """``GET /jobs``."""
    return Call("GET", "/jobs", {"state": list(states), "limit": limit})


def states_of(document: dict[str, Any]) -> list[JobState]:
    """Its answer."""
    return [state_of(job) for job in document["jobs"]]


def annotated_call(path: str) -> Call:
    """``GET /jobs/{id}/result`` for the annotated clip."""
    return Call("GET", f"{path}/result", headers={"Accept": MP4}, seconds=CLIP_SECONDS)


def not_in_time(path: str) -> ServerUnreachable:
    """The wait was too short."""
    return ServerUnreachable("timeout", f"The job {path} has not ended in time; it goes on: wait() again.")


@contextmanager
def progress_bar(shown: bool) -> Iterator[Callable[[float], None]]:
    """A bar on the terminal's standard error; the function takes the part done, 0 to 1."""
    if not shown:
        yield _ignore
        return
    with click.progressbar(range(1000), label="analysing", file=sys.stderr) as bar:
        yield lambda part: bar.update(round(1000 * part) - bar.pos)


def _ignore(_: float) -> None:
    """No bar."""
