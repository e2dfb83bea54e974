"""Responses sent after their endpoint has returned: lines from a worker thread, long texts, and files."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import SpooledTemporaryFile

from anyio import (
    BrokenResourceError,
    CancelScope,
    EndOfStream,
    create_memory_object_stream,
    from_thread,
    to_thread,
)
from anyio.streams.memory import MemoryObjectReceiveStream
from fastapi import Request
from fastapi.responses import FileResponse, Response, StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from mien.api.admission import AdmissionGate
from mien.api.uploads.spool import SpoolSettings, storage_errors
from mien.errors import MienError

_LOGGER = logging.getLogger("mien.error")
_BUFFERED_LINES = 16
"""Lines that may wait for the client; then the work waits too."""
_CHUNK = 1 << 16  # bytes

Lines = Callable[[], Generator[str]]


class LineStream:
    """Work behind the gate whose lines are sent as they are made; see ``start``."""

    def __init__(
        self, first: str, rest: MemoryObjectReceiveStream[str], work: "asyncio.Task[None]", cancelled: threading.Event
    ) -> None:
        self._first = first
        self._rest = rest
        self._work = work
        self._cancelled = cancelled
        self._exhausted = False

    @classmethod
    async def start(
        cls, gate: AdmissionGate, request: Request, lines: Lines, deadline: float | None, cancelled: threading.Event
    ) -> "LineStream":
        """Begin, and return when the first line is there, so that an error before it can be a response of its own.

        ``cancelled`` is set when the lines are no longer wanted.

        Raises:
            Overloaded: when the gate is full.
            DeadlineExceeded: when the deadline passed before a thread came free.
            MienError: what ``lines`` raised before its first line.
        """
        send, receive = create_memory_object_stream[str](_BUFFERED_LINES)

        def work() -> None:
            generator = lines()
            try:
                for line in generator:
                    # Waits for the client; SlowClientTimeout bounds that.
                    from_thread.run(send.send, line)
            except BrokenResourceError:
                pass  # the client has disconnected
            finally:
                generator.close()

        task = asyncio.create_task(gate.run(request, work, deadline, cancelled))
        task.add_done_callback(lambda _: send.close())
        try:
            return cls(await receive.receive(), receive, task, cancelled)
        except EndOfStream:
            receive.close()
            await task
            raise
        except asyncio.CancelledError:
            cancelled.set()
            receive.close()
            task.add_done_callback(_report)
            raise

    async def __aiter__(self) -> AsyncIterator[str]:
        yield self._first
        async for line in self._rest:
            yield line
        self._exhausted = True
        await self._work

    async def aclose(self) -> None:
        """End the work at its next frame or line, and wait for that."""
        self._cancelled.set()
        self._rest.close()
        await asyncio.wait([self._work])
        if not self._exhausted:
            _report(self._work)


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
        pieces: AsyncIterable[str] | AsyncIterable[bytes],
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
