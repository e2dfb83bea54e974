"""Responses sent after their endpoint has returned: lines from a worker thread, long texts, and files."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable
from contextlib import AsyncExitStack, closing
from functools import partial
from pathlib import Path
from tempfile import SpooledTemporaryFile

from anyio import CancelScope, to_thread
from fastapi import Request
from fastapi.responses import FileResponse, Response, StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from mien.api.admission import AdmissionGate
from mien.api.uploads.spool import SpoolSettings, storage_errors
from mien.errors import MienError

_LOGGER = logging.getLogger("mien.error")
_CHUNK = 1 << 16  # bytes

Lines = Callable[[], Generator[str]]


class LineStream:
    """Work behind the gate whose lines are sent as they are made; see ``start``.

    The lines lie in a spooled file until they are read, so that a slow client holds neither a thread nor a place at the
    gate: the work goes on without it.
    """

    def __init__(self, settings: SpoolSettings, cancelled: threading.Event) -> None:
        folder = None if settings.folder is None else str(settings.folder)
        self._file = SpooledTemporaryFile(max_size=settings.memory_bytes, dir=folder)  # noqa: SIM115 - see aclose
        self._lock = threading.Lock()  # of the file
        self._written = self._read = 0  # bytes
        self._more = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._cancelled = cancelled
        self._work: asyncio.Task[None] | None = None
        self._exhausted = False

    @classmethod
    async def start(
        cls,
        gate: AdmissionGate,
        request: Request,
        lines: Lines,
        *,
        deadline: float | None,
        cancelled: threading.Event,
        settings: SpoolSettings,
    ) -> "LineStream":
        """Begin, and return when the first line is there, so that an error before it can be a response of its own.

        ``cancelled`` is set when the lines are no longer wanted.

        Raises:
            DeadlineExceeded: when the deadline passed before a thread came free.
            MienError: what ``lines`` raised before its first line.
        """
        stream = cls(settings, cancelled)
        task = stream._work = asyncio.create_task(gate.run(request, partial(stream._write, lines), deadline, cancelled))
        task.add_done_callback(lambda _: stream._more.set())
        try:
            await stream._more.wait()
        except asyncio.CancelledError:
            cancelled.set()
            task.add_done_callback(stream._abandon)
            raise
        if not stream._written:
            stream._file.close()
            await task
        return stream

    def _write(self, lines: Lines) -> None:
        with closing(lines()) as generator:
            for line in generator:
                if self._cancelled.is_set():
                    return
                content = line.encode()
                with self._lock, storage_errors("the answer"):
                    self._file.seek(self._written)
                    self._file.write(content)
                    self._written += len(content)
                if not self._more.is_set():
                    self._loop.call_soon_threadsafe(self._more.set)

    def _next(self) -> bytes:
        with self._lock:
            self._file.seek(self._read)
            chunk = self._file.read(_CHUNK)
            self._read += len(chunk)
            return chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert self._work is not None  # noqa: S101  made by start
        done = False
        while not done:
            await self._more.wait()
            self._more.clear()
            done = self._work.done()
            while chunk := await to_thread.run_sync(self._next):
                yield chunk
        self._exhausted = True
        await self._work

    async def aclose(self) -> None:
        """End the work at its next frame or line, and wait for that."""
        assert self._work is not None  # noqa: S101  made by start
        self._cancelled.set()
        await asyncio.wait([self._work])
        await to_thread.run_sync(self._file.close)
        if not self._exhausted:
            _report(self._work)

    def _abandon(self, work: "asyncio.Task[None]") -> None:
        self._file.close()
        _report(work)


def _report(work: "asyncio.Task[None]") -> None:
    """Log how cancelled work ended, if it was an unexpected error."""
    error = None if work.cancelled() else work.exception()
    if error is not None and not isinstance(error, MienError | ClientDisconnect):
        _LOGGER.error("unexpected error after the client disconnected", exc_info=error)


class SpooledText:
    """A text between the worker thread that writes it and the client that reads it.

    It stays in memory up to ``memory_bytes`` and in a nameless file beyond, so that a slow client holds neither the
    whole text in memory nor the thread, nor what the text was made from.
    """

    def __init__(self, settings: SpoolSettings) -> None:
        folder = None if settings.folder is None else str(settings.folder)
        self._file = SpooledTemporaryFile(max_size=settings.memory_bytes, dir=folder)  # noqa: SIM115 - see close
        self.size = 0
        """Bytes written."""

    def write(self, pieces: Iterable[str]) -> None:
        """Append the pieces as they are made, in UTF-8.

        Raises:
            StorageFull: when there is no room left.
            And what ``pieces`` raises.
        """
        for piece in pieces:
            content = piece.encode()
            with storage_errors("the answer"):
                self._file.write(content)
            self.size += len(content)
        with storage_errors("the answer"):
            self._file.seek(0)  # and write the rest of the buffer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await to_thread.run_sync(self._file.read, _CHUNK):
            yield chunk

    async def aclose(self) -> None:
        """``close`` in a thread: removing a large file takes a while."""
        await to_thread.run_sync(self.close)

    def close(self) -> None:
        """Delete the text. Closing twice is harmless."""
        self._file.close()


class _ClosingResponse(Response):
    """Closes ``_resources`` when it is sent or the client has disconnected."""

    _resources: AsyncExitStack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await self._resources.aclose()


class StreamingLines(_ClosingResponse, StreamingResponse):
    """Text in pieces; ``resources`` are closed when the last is sent or the client has disconnected.

    ``size`` is the number of bytes of all pieces, if it is known.
    """

    def __init__(
        self,
        pieces: AsyncIterable[bytes],
        resources: AsyncExitStack,
        media_type: str,
        size: int | None = None,
    ) -> None:
        headers = None if size is None else {"content-length": str(size)}
        super().__init__(pieces, media_type=media_type, headers=headers)
        self._resources = resources


class TemporaryFileResponse(_ClosingResponse, FileResponse):
    """A file; ``resources`` (its folder) are closed when it is sent or the client has disconnected."""

    def __init__(self, path: Path, resources: AsyncExitStack, media_type: str) -> None:
        super().__init__(path, media_type=media_type)
        self._resources = resources
