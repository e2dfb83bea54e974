"""uvicorn's WebSocket protocol (over the ``websockets`` library) with bounds on what a client may have buffered.

uvicorn parses whatever a read brings into as many messages as there are in it, keeps any number of fragments of one
message, and resets connections on which it refuses a message, so that the client does not see why.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Close, Frame

from mien.server.refusals import NO_HANDSHAKE

_GOING_AWAY, _TOO_BIG = 1001, 1009
_PIECE = 16 << 10  # bytes parsed at once; the smallest message has 6
_MAX_FRAGMENTS = 256  # of one message; browsers send 128 KiB or more in each
_PING_SECONDS = 20.0
_LINGER_SECONDS = 2.0
"""For a client to receive why its connection is closed, and to confirm that."""
_STOP_SECONDS = 5.0
"""From SIGTERM, or the end of the app's call, to the end of the connection."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket connection, from its handshake.

    The app is told of the server's shutdown by a disconnect with code 1001 ("going away"), and may still send.

    Args:
        arguments: uvicorn's.
        closed: called when the connection has ended.
        named: uvicorn's.
    """

    def __init__(self, *arguments: Any, closed: Callable[[], None], **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.close_timeout = _LINGER_SECONDS
        self._closed = closed
        self._unparsed = bytearray()
        self._abort_timer: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._unparsed.clear()
        if self._abort_timer is not None:
            self._abort_timer.cancel()
        super().connection_lost(exc)
        self._closed()

    def data_received(self, data: bytes) -> None:
        if self.conn.parser_exc is None:  # afterwards, what arrives is discarded
            self._unparsed += data
            self._parse()

    async def receive(self) -> Any:
        """The next message. Nothing is parsed, and soon nothing read, while one waits."""
        self._parse()
        return await self.queue.get()

    async def send(self, message: Any) -> None:
        """Send a message of the app."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # or uvicorn takes a refusal for an error, and logs it as one

    def _parse(self) -> None:
        while self._unparsed and (self.queue.empty() or self.close_sent) and self.conn.parser_exc is None:
            piece = bytes(self._unparsed[:_PIECE])
            del self._unparsed[:_PIECE]
            super().data_received(piece)
            if self.conn.handshake_exc is not None and not self.handshake_initiated:
                self._refuse_handshake()
                return
        if self.read_paused and not self._unparsed and self.queue.empty() and not self.transport.is_closing():
            self.read_paused = False
            self.transport.resume_reading()

    def handle_cont(self, event: Frame) -> None:
        """A further fragment of a message."""
        if len(self.frames) < _MAX_FRAGMENTS:
            super().handle_cont(event)
        else:
            self.conn.fail(_TOO_BIG, f"A message has more than {_MAX_FRAGMENTS} fragments")
            self.handle_parser_exception()

    def handle_parser_exception(self) -> None:
        """Close because of what the client sent. Reading goes on for a while: closing a connection with unread bytes
        would reset it, and discard the reason on its way."""
        self._unparsed.clear()
        self.frames = []
        closing = cast("Close", self.conn.close_sent)
        self.queue.put_nowait({"type": "websocket.disconnect", "code": closing.code, "reason": closing.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(_LINGER_SECONDS, self.transport.close)
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    def _refuse_handshake(self) -> None:
        """The library reads less than HTTP allows: no header over 8 KiB, for example, and no body."""
        self._unparsed.clear()
        self.close_sent = True
        self.transport.write(NO_HANDSHAKE.response())
        self.transport.close()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        self._abort_later()

    def shutdown(self) -> None:
        """The server stops: tell the app, which closes the connection in its own words."""
        if self.handshake_complete and not self.close_sent:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": _GOING_AWAY})
            self._abort_later()
        else:
            super().shutdown()

    def _abort_later(self) -> None:
        # A client that reads nothing keeps what it has been sent from ever being flushed.
        if self._abort_timer is None and not self.disconnected:
            self._abort_timer = self.loop.call_later(_STOP_SECONDS, self.transport.abort)


def websocket_options(max_message_bytes: int) -> dict[str, Any]:
    """The arguments of ``uvicorn.Config`` for WebSockets.

    Messages are not compressed: frames are already, and a few bytes could inflate to many.
    """
    return {
        "ws": WebSocketProtocol,
        "ws_max_size": max_message_bytes,
        "ws_per_message_deflate": False,
        "ws_ping_interval": _PING_SECONDS,
        "ws_ping_timeout": _PING_SECONDS,
    }
