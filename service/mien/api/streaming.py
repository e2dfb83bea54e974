"""Answers that are sent after their endpoint has returned: lines from a worker thread, texts and files of their own."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator
from contextlib import AsyncExitStack
from pathlib import Path

from anyio import BrokenResourceError, CancelScope, EndOfStream, create_memory_object_stream, from_thread
from anyio.streams.memory import MemoryObjectReceiveStream
from fastapi import Request
from fastapi.responses import FileResponse, StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from mien.api.admission import AdmissionGate
from mien.errors import MienError

_LOG = logging.getLogger("mien.error")
_AHEAD = 16
"""Lines made before the client has taken them; then the work waits for the client."""

Lines = Callable[[], Generator[str]]


class LineStream:
    """Work behind the gate whose lines are handed on one by one; see ``start``."""

    def __init__(
        self, first: str, rest: MemoryObjectReceiveStream[str], work: "asyncio.Task[None]", gone: threading.Event
    ) -> None:
        self._first = first
        self._gone = gone
        self._rest = rest
        self._work = work
        self._told = False  # how the work ended

    @classmethod
    async def start(
        cls, gate: AdmissionGate, request: Request, lines: Lines, deadline: float | None, gone: threading.Event
    ) -> "LineStream":
        """Begin, and return when the first line is there, so that an error before it can be an answer of its own.

        ``gone`` is set when nobody reads any more.

        Raises:
            Overloaded: when the gate is full.
            DeadlineExceeded: when the deadline passed before a thread came free.
            MienError: what ``lines`` raised before its first line.
        """
        send, receive = create_memory_object_stream[str](_AHEAD)

        def work() -> None:
            made = lines()
            try:
                for line in made:
                    # Waits for the reader; mien.api.slow_clients sees to it that this is not for ever.
                    from_thread.run(send.send, line)
            except BrokenResourceError:
                pass  # the client has gone
            finally:
                made.close()

        task = asyncio.create_task(gate.run(request, work, deadline, gone))
        task.add_done_callback(lambda _: send.close())
        try:
            return cls(await receive.receive(), receive, task, gone)
        except EndOfStream:
            receive.close()
            await task
            raise
        except asyncio.CancelledError:
            gone.set()
            receive.close()
            task.add_done_callback(_report)
            raise

    async def __aiter__(self) -> AsyncIterator[str]:
        yield self._first
        async for line in self._rest:
            yield line
        self._told = True
        await self._work

    async def aclose(self) -> None:
        """End the work at its next frame or line, and wait for that."""
        self._gone.set()
        self._rest.close()
        await asyncio.wait([self._work])
        if not self._told:
            _report(self._work)


def _report(work: "asyncio.Task[None]") -> None:
    """Of work that nobody waits for any more, only what nobody foresaw is worth telling."""
    error = None if work.cancelled() else work.exception()
    if error is not None and not isinstance(error, MienError | ClientDisconnect):
        _LOG.error("work whose client had gone failed", exc_info=error)


class StreamingLines(StreamingResponse):
    """Text in pieces as an answer; ``resources`` are closed when the last is out or the client has gone.

    ``size`` is how many bytes the pieces have, where that is known.
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await self._resources.aclose()


class TemporaryFileResponse(FileResponse):
    """A file as an answer; ``resources`` (its folder) are closed when it is out or the client has gone."""

    def __init__(self, path: Path, resources: AsyncExitStack, media_type: str) -> None:
        super().__init__(path, media_type=media_type)
        self._resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await self._resources.aclose()
