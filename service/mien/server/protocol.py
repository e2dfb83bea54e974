"""Connections, bounded: in number, in patience, in what a request's head may hold, and to one request at a time.

uvicorn parses whatever a read brings and queues the requests in it, ends a connection that is idle after an answer but
none that has yet to send a whole head, and knows no bound on heads. All of that costs a caller nothing.
"""

import asyncio
from functools import partial
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mien.server.flow import Flow
from mien.server.refusals import (
    HEAD_TOO_LARGE,
    MOST_HEAD_BYTES,
    MOST_HEADERS,
    MOST_URL_BYTES,
    NOT_HTTP,
    TOO_MANY_HEADERS,
    URL_TOO_LONG,
    Refusal,
)
from mien.server.room import Room

_BLANK_LINE = b"\r\n\r\n"
_MOST_HELD = 16 << 10
"""Bytes of later requests that are kept before reading pauses. Below it reading goes on: it is how a disconnect is
seen."""
_PIECES_AT_ONCE = 64
"""What one connection may have parsed before the event loop serves the others."""


class _Protocol(HttpToolsProtocol):
    """Hands the parser one request at a time: what comes behind it stays as bytes until it is answered.

    The parser cannot be stopped inside a piece, so each piece ends where a request may end: with a blank line, which
    ends a head and a chunked body, or with the last byte that ``Content-Length`` declares.
    """

    def __init__(self, *arguments: Any, room: Room, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._room = room
        self._held = bytearray()  # received and not yet parsed
        self._last = b""  # the end of what was parsed, as a blank line may lie in two pieces
        self._body_left: int | None = None  # bytes of a body of declared length that have yet to come
        self._whole = False  # the request in work has come to its end
        self._scheduled = False
        self._piece = 0  # bytes in the piece that is being parsed
        self._headers_only = 0  # bytes in whole pieces since a request began or brought some of its body
        self._header_count = 0
        self._refusal: Refusal | None = None

    @property
    def refused(self) -> bool:
        """Whether the answer has begun before the request came to its end."""
        return self.cycle is not None and self.cycle.response_started and not self._whole

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = Flow(transport)
        self._room.enter(self, self.client[0] if self.client else "")

    def connection_lost(self, exc: Exception | None) -> None:
        self._held.clear()
        self._room.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._held += data
        if not self._scheduled:
            self._parse()

    def _parse(self) -> None:
        """Parse what is held, up to the end of a request, and some pieces at most."""
        self._scheduled = False
        for _ in range(_PIECES_AT_ONCE):
            if not self._held or self._in_work() or self.parser is None or self.transport.is_closing():
                break
            self._unset_keepalive_if_required()
            self._feed(self._next_piece())
        else:
            self._go_on_later()
        self._limit_reading()

    def _go_on_later(self) -> None:
        if self._held and not self._in_work() and not self._scheduled:
            self._scheduled = True
            self.loop.call_soon(self._parse)

    def _limit_reading(self) -> None:
        if self.transport.is_closing():
            return
        if len(self._held) > _MOST_HELD:
            cast("Flow", self.flow).hold()
        else:
            cast("Flow", self.flow).release()

    def _in_work(self) -> bool:
        return self._whole and not self.cycle.response_complete

    def _next_piece(self) -> bytes:
        length = len(self._held)
        if self._body_left is not None:
            length = min(length, self._body_left)
        else:
            joined = self._last + self._held[: MOST_HEAD_BYTES + 1]
            end = joined.find(_BLANK_LINE)
            length = (end + len(_BLANK_LINE) if end >= 0 else len(joined)) - len(self._last)
        piece = bytes(self._held[:length])
        del self._held[:length]
        return piece

    def _feed(self, piece: bytes) -> None:
        self._piece = len(piece)
        self._last = (self._last + piece)[-3:] if self._body_left is None else b""
        if self._body_left is not None:
            self._body_left -= len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            pass  # answered as if it had not asked
        except httptools.HttpParserError:
            self._refusal = self._refusal or NOT_HTTP
        self._headers_only += len(piece)
        if self._headers_only > MOST_HEAD_BYTES:
            self._refusal = self._refusal or HEAD_TOO_LARGE
        if self._refusal is not None:
            self._refuse(self._refusal)

    def _refuse(self, refusal: Refusal) -> None:
        self._held.clear()
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(refusal.response())
        self.transport.close()

    def on_message_begin(self) -> None:
        if self._in_work():
            # The parser saw an end where there is none for us: what follows cannot be told apart.
            raise httptools.HttpParserError
        self._headers_only = -self._piece
        self._header_count = 0
        self._whole = False
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > MOST_URL_BYTES:
            self._refusal = URL_TOO_LONG
            raise httptools.HttpParserError

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_count += 1
        if self._header_count > MOST_HEADERS:
            self._refusal = TOO_MANY_HEADERS
            raise httptools.HttpParserError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._room.asked(self)
        declared = next((value for name, value in self.headers if name == b"content-length"), b"")
        self._body_left = int(declared) if declared.isdigit() else None
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._headers_only = -self._piece
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._whole = True
        self._body_left = None
        self._last = b""
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self._room.waits(self)
            # Not at once: the answer is still being sent, and the other connections come first.
            self._go_on_later()


def protocol(seconds: float, connections: int, waiting: int | None = None) -> type[asyncio.Protocol]:
    """What uvicorn makes a connection with.

    Args:
        seconds: within which the whole head of a request must have come, since the connection or the last answer.
        connections: that are open at once.
        waiting: those among them on which no whole head has come yet; two thirds by default.
    """
    room = Room(seconds, connections, waiting or max(1, connections * 2 // 3))
    return cast("type[asyncio.Protocol]", partial(_Protocol, room=room))
