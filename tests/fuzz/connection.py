"""A connection to the HTTP protocol without a socket: whatever bytes a client could send."""

import asyncio
from typing import Any, cast

import uvicorn
from uvicorn.server import ServerState

from mien.server.protocol import protocol
from mien.server.websocket import websocket_options

_PIECE = 61  # bytes of a read, so that everything is split somewhere
_TURNS = 60  # of the event loop: more than an answer takes


class _Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = bytearray()
        self.closed = False
        self.protocol: Any = None  # another one after an upgrade

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return cast("asyncio.BaseProtocol", self.protocol)

    def get_write_buffer_size(self) -> int:
        return 0


async def _app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close"})
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


def serve_bytes(data: bytes) -> None:
    """Send ``data`` in pieces. Every answer must be one, and nothing may be raised in the event loop."""
    asyncio.run(_serve(data))


async def _serve(data: bytes) -> None:
    loop, raised = asyncio.get_running_loop(), list[Any]()
    loop.set_exception_handler(lambda _, context: raised.append(context))
    config = uvicorn.Config(_app, log_config=None, access_log=False, lifespan="off", **websocket_options(1 << 20))
    config.load()
    transport = _Transport()
    made: Any = protocol(30, 8)
    first = made(config=config, server_state=ServerState(), app_state={}, _loop=loop)
    transport.set_protocol(first)
    first.connection_made(transport)
    for at in range(0, len(data), _PIECE):
        if transport.closed:
            break
        transport.protocol.data_received(data[at : at + _PIECE])
        await asyncio.sleep(0)
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    transport.close()
    transport.protocol.connection_lost(None)
    await asyncio.sleep(0)
    assert not raised, raised
    assert not transport.written or transport.written.startswith(b"HTTP/1.1 "), bytes(transport.written[:40])
