"""Connections on which no request comes: each has a while, and there are only so many of them.

uvicorn ends a connection that is idle after an answer, and none that has yet to send its first request or has sent half
of one. Such connections cost a caller nothing, and they would take every descriptor that the process has, until the
health probes, too, find no way in.
"""

import asyncio
import sys
from functools import partial
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 64 << 10
"""Of a request's head, or of the trailers after its body. The parser has no bound, and keeps twenty times as much."""

_FEW_DESCRIPTORS = 1024  # what a process may have where the system does not say


class _Waiting:
    """The connections that a request is awaited on, the one that has been waited for longest first."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._timers: dict[_Protocol, asyncio.TimerHandle] = {}

    def add(self, connection: "_Protocol") -> None:
        """Wait from now on, unless that is so already. Where there are too many, the oldest makes room."""
        if connection in self._timers:
            return
        if len(self._timers) >= self._most:
            self._end(next(iter(self._timers)))
        self._timers[connection] = connection.loop.call_later(self._seconds, self._end, connection)

    def remove(self, connection: "_Protocol") -> None:
        """There is nothing to wait for: the request has come, or the connection has gone."""
        timer = self._timers.pop(connection, None)
        if timer is not None:
            timer.cancel()

    def _end(self, connection: "_Protocol") -> None:
        self.remove(connection)
        connection.transport.close()


class _Protocol(HttpToolsProtocol):
    """Tells ``waiting`` when a request is awaited on this connection, which is until its head has come whole.

    Ends a connection that sends a head without end, or trailers, which are headers after the body.
    """

    def __init__(self, *arguments: Any, waiting: _Waiting, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._waiting = waiting
        self._piece = 0  # bytes in the piece of the stream that is being read
        self._headers_only = 0  # bytes in whole pieces since a request began or brought some of its body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._waiting.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._waiting.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._piece = len(data)
        super().data_received(data)
        self._headers_only += len(data)
        if self._headers_only > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response(f"The request's head is larger than {MOST_HEAD_BYTES} bytes.")

    def on_message_begin(self) -> None:
        self._headers_only = -self._piece
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        self._headers_only = -self._piece
        super().on_body(body)

    def on_headers_complete(self) -> None:
        self._waiting.remove(self)
        super().on_headers_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Says nothing: the request is answered as if it had not asked, and logged as every other."""

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # Not where the next request is here already, behind this one.
        if self.cycle.response_complete and not self.transport.is_closing():
            self._waiting.add(self)


def protocol(seconds: float, most: int | None = None) -> type[asyncio.Protocol]:
    """What uvicorn makes a connection with.

    Args:
        seconds: within which the whole head of a request must have come, since the connection or the last answer.
        most: connections that are waited for so, half of all that the process may have by default.
    """
    waiting = _Waiting(seconds, most or _descriptors() // 2)
    return cast("type[asyncio.Protocol]", partial(_Protocol, waiting=waiting))


def _descriptors() -> int:
    if sys.platform == "win32":
        return _FEW_DESCRIPTORS
    import resource  # noqa: PLC0415 - Windows has none

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _FEW_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
