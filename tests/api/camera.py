"""A camera that shows its pictures to ``/live``, with the client of the ``websockets`` library."""

import json
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

Reply = dict[str, Any]


def camera(client: httpx.Client, headers: dict[str, str] | None = None, **named: Any) -> ClientConnection:
    """A connection to ``/live`` of the server of ``client``."""
    url = f"ws://{client.base_url.host}:{client.base_url.port}/live"
    return connect(url, compression=None, additional_headers=headers, open_timeout=10, close_timeout=5, **named)


def reply(connection: ClientConnection) -> Reply:
    """The next reply."""
    found: Reply = json.loads(connection.recv(timeout=10))
    return found


def opened(connection: ClientConnection, **options: Any) -> Reply:
    """The reply to ``options``."""
    connection.send(json.dumps(options))
    return reply(connection)


def shown(connection: ClientConnection, *frames: bytes) -> list[Reply]:
    """The replies to ``frames``, each sent after the reply to the one before."""
    replies = []
    for frame in frames:
        connection.send(frame)
        replies.append(reply(connection))
    return replies


def end_of(connection: ClientConnection) -> tuple[int | None, list[Reply]]:
    """The close code, and the replies before it."""
    replies = []
    try:
        while True:
            replies.append(reply(connection))
    except ConnectionClosed as closed:
        return (closed.rcvd.code if closed.rcvd else None), replies
