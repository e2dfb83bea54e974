"""uvicorn's HTTP protocol with bounds: on idle connections, on the head of a request, and one request at a time.

uvicorn parses whatever a read brings and queues the requests in it, closes a connection that is idle after an answer
but not one that has yet to send a whole head, and does not bound heads. A client can exploit all of that at no cost.
"""

import asyncio
from functools import partial
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mien.api.live.limits import PATH
from mien.server.connection_limits import ConnectionLimits
from mien.server.flow import ReadingFlow
from mien.server.parse_turns import ParseTurns
from mien.server.refusals import (
    HEAD_TOO_LARGE,
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    MAX_URL_BYTES,
    NOT_HTTP,
    STOPPING,
    TOO_MANY_HEADERS,
    URL_TOO_LONG,
    Refusal,
)

_BLANK_LINE = b"\r\n\r\n"
_MAX_BUFFER = 16 << 10
"""Bytes of later requests that are buffered before reading pauses. Until then reading continues, as it is how a
disconnect is noticed."""
_MAX_PIECES = 64
"""What one connection may have parsed before the event loop serves the others."""
_ON_THE_WAY_SECONDS = 1.0
"""How long idle connections stay open when the server stops: their clients may have sent requests already."""


class _Protocol(HttpToolsProtocol):
    """Gives the parser one request at a time; the bytes behind it are buffered until it is answered.

    The parser cannot be stopped inside a piece, so each piece ends where a request may end: with a blank line, which
    ends a head and a chunked body, or with the last byte that ``Content-Length`` declares.
    """

    def __init__(self, *arguments: Any, limits: ConnectionLimits, turns: ParseTurns, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._limits = limits
        self._turns = turns
        self._buffer = bytearray()  # received and not yet parsed
        self._tail = b""  # the end of what was parsed, as a blank line may be split between two pieces
        self._body_left: int | None = None  # bytes still to come of a body of declared length
        self._received = False  # the current request is complete
        self._scheduled = False
        self._piece = 0  # bytes in the piece that is being parsed
        self._head_bytes = 0  # bytes in whole pieces since the request began or since its last piece with body bytes
        self._header_count = 0
        self._refusal: Refusal | None = None
        self._stopping = False
        if self.ws_protocol_class is not None:
            websocket: Any = self.ws_protocol_class
            self.ws_protocol_class = partial(websocket, closed=partial(limits.closed, self))  # type: ignore[assignment]

    @property
    def answered_early(self) -> bool:
        """Whether the answer has begun before the request is complete."""
        return self.cycle is not None and self.cycle.response_started and not self._received

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = ReadingFlow(transport)
        self._limits.opened(self, self._address)

    def connection_lost(self, exc: Exception | None) -> None:
        self._buffer.clear()
        self._limits.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._scheduled:
            return
        if self._is_idle():  # a request begins
            self._scheduled = True
            self._turns.take(self.loop, self._address, self._parse)
        else:
            self._parse()

    def _parse(self) -> None:
        """Parse the buffer up to the end of a request, in a bounded number of pieces."""
        self._scheduled = False
        for _ in range(_MAX_PIECES):
            if not self._buffer or self._awaiting_response() or self.parser is None or self.transport.is_closing():
                break
            self._unset_keepalive_if_required()
            self._feed(self._next_piece())
        else:
            self._schedule_parse()
        if not self.transport.is_closing():
            cast("ReadingFlow", self.flow).set_buffer_full(len(self._buffer) > _MAX_BUFFER)

    def _schedule_parse(self) -> None:
        if self._buffer and not self._awaiting_response() and not self._scheduled:
            self._scheduled = True
            self._turns.wait(self.loop, self._address, self._parse)

    def _awaiting_response(self) -> bool:
        return self._received and not self.cycle.response_complete

    def _next_piece(self) -> bytes:
        length = len(self._buffer)
        if self._body_left is not None:
            length = min(length, self._body_left)
        else:
            joined = self._tail + self._buffer[: MAX_HEAD_BYTES + 1]
            end = joined.find(_BLANK_LINE)
            length = (end + len(_BLANK_LINE) if end >= 0 else len(joined)) - len(self._tail)
        piece = bytes(self._buffer[:length])
        del self._buffer[:length]
        return piece

    def _feed(self, piece: bytes) -> None:
        self._piece = len(piece)
        self._tail = (self._tail + piece)[-3:] if self._body_left is None else b""
        if self._body_left is not None:
            self._body_left -= len(piece)
        upgrade = False
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            upgrade = self._should_upgrade()  # any other is answered as if it had not been requested
        except httptools.HttpParserError:
            self._refusal = self._refusal or NOT_HTTP
        self._head_bytes += len(piece)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refusal = self._refusal or HEAD_TOO_LARGE
        if upgrade and self._stopping:  # the new connection would not be told that the server stops
            self._refusal = self._refusal or STOPPING
        if self._refusal is not None:
            self._refuse(self._refusal)
        elif upgrade:
            self._hand_over()

    def _should_upgrade(self) -> bool:
        return self.url.partition(b"?")[0] == PATH.encode() and super()._should_upgrade()

    def _hand_over(self) -> None:
        """The WebSocket protocol takes the connection, with what has been received behind the handshake."""
        cast("ReadingFlow", self.flow).set_buffer_full(False)
        received = bytes(self._buffer)
        self._buffer.clear()
        self.handle_websocket_upgrade()
        cast("asyncio.Protocol", self.transport.get_protocol()).data_received(received)

    def _refuse(self, refusal: Refusal) -> None:
        self._buffer.clear()
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(refusal.response())
        self.transport.close()

    def on_message_begin(self) -> None:
        if self._awaiting_response():
            # The parser saw the end of a request where we saw none: the requests cannot be separated.
            raise httptools.HttpParserError
        self._head_bytes = -self._piece
        self._header_count = 0
        self._received = False
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > MAX_URL_BYTES:
            self._refusal = URL_TOO_LONG
            raise httptools.HttpParserError

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_count += 1
        if self._header_count > MAX_HEADERS:
            self._refusal = TOO_MANY_HEADERS
            raise httptools.HttpParserError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._limits.head_received(self)
        declared = next((value for name, value in self.headers if name == b"content-length"), b"")
        self._body_left = int(declared) if declared.isdigit() else None
        super().on_headers_complete()
        if self._stopping and self.cycle is not None:  # there is none for a WebSocket's handshake
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._head_bytes = -self._piece
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._received = True
        self._body_left = None
        self._tail = b""
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self._limits.waiting(self)
            # Not at once: the answer is still being sent, and the other connections come first.
            self._schedule_parse()

    def shutdown(self) -> None:
        self._stopping = True
        if self._is_idle():
            self.loop.call_later(_ON_THE_WAY_SECONDS, self._close_if_idle)
        else:
            self.cycle.keep_alive = False

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _close_if_idle(self) -> None:
        if self._is_idle():
            self.transport.close()


def protocol(idle_seconds: float, max_open: int, max_waiting: int | None = None) -> type[asyncio.Protocol]:
    """What uvicorn creates for each connection, with the ``ConnectionLimits`` of these arguments and common turns.

    ``max_waiting`` is two thirds of ``max_open`` by default.
    """
    limits = ConnectionLimits(idle_seconds, max_open, max_waiting or max(1, max_open * 2 // 3))
    return cast("type[asyncio.Protocol]", partial(_Protocol, limits=limits, turns=ParseTurns()))
