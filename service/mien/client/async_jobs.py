"""Jobs of ``mien.AsyncClient``."""

import time
from collections.abc import Awaitable
from os import PathLike
from pathlib import Path
from typing import Protocol

import anyio
import httpx

from mien.client.jobs import POLL_SECONDS, JobState, annotated_call, not_in_time, progress_bar, state_of
from mien.client.requests import Call, document_of
from mien.results.clip import ClipResult
from mien.results.files import replacing
from mien.results.run import ClipRun


class _Send(Protocol):
    def __call__(self, call: Call) -> Awaitable[httpx.Response]: ...


class _Download(Protocol):
    def __call__(self, call: Call, target: Path) -> Awaitable[httpx.Response]: ...


class AsyncJob:
    """As ``Job``, with methods to be awaited."""

    def __init__(self, send: _Send, download: _Download, path: str, run: ClipRun | None) -> None:
        self._send = send
        self._download = download
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
        await self._wait(timeout, progress)
        return await self.result()

    async def result(self) -> ClipResult:
        """Its result. Raises ``ServerError`` while there is none."""
        return ClipResult.from_dict(document_of(await self._send(Call("GET", f"{self.path}/result"))), self._run)

    async def save_annotated(
        self,
        path: str | PathLike[str],
        timeout: float | None = None,  # noqa: ASYNC109
        *,
        progress: bool = False,
    ) -> Path:
        """As ``Job.save_annotated``."""
        with replacing(path, None) as new:
            await self.download(new, timeout, progress=progress)
        return Path(path)

    async def download(self, target: Path, timeout: float | None = None, *, progress: bool = False) -> None:  # noqa: ASYNC109
        """As ``Job.download``."""
        await self._wait(timeout, progress)
        await self._download(annotated_call(self.path), target)

    async def cancel(self) -> None:
        """Stop it, and delete what the server keeps of it."""
        await self._send(Call("DELETE", self.path))

    async def _wait(self, timeout: float | None, progress: bool) -> None:  # noqa: ASYNC109
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
