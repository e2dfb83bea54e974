"""``/live`` and clients that send too much, too little, or do not read: bounded, and closed with a reason."""

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from mien.app import create_app
from mien.server import websocket
from tests.api.camera import camera, end_of, opened, reply, shown
from tests.api.live import connection_to, everything_from, picture, serving, serving_fake, settings, wait_until
from tests.fakes import FakeEngine

HANDSHAKE = (
    b"GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
EMPTY_FRAME = b"\x82\x80\0\0\0\0"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with pytest.MonkeyPatch.context() as patch, serving_fake(live_fps=240) as client:
        patch.setattr(websocket, "_LINGER_SECONDS", 0.3)
        yield client


def masked(payload: bytes, opcode: int = 0x82) -> bytes:
    """A WebSocket frame of a client, with a mask of zeros."""
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xff" + struct.pack("!Q", len(payload))
    return bytes([opcode]) + length + b"\0\0\0\0" + payload


def raw(client: httpx.Client, behind: bytes = b"") -> socket.socket:
    """An open connection to ``/live``; ``behind`` is sent together with the handshake."""
    connection = connection_to(client)
    connection.sendall(HANDSHAKE + b"\r\n" + behind)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    assert head.startswith(b"HTTP/1.1 101")
    return connection


def send_for(seconds: float, connection: socket.socket, frame: bytes) -> None:
    """Send the frame again and again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        connection.sendall(frame)


def send_until_refused(seconds: float, connection: socket.socket, frame: bytes) -> None:
    """Try to send, however long the other side does not read."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(TimeoutError):
            connection.sendall(frame)


def test_what_is_sent_with_the_handshake_is_read(client: httpx.Client) -> None:
    with raw(client, masked(picture()) + masked(picture())) as connection:
        received = b""
        while received.count(b'"type":"frame"') < 2:
            received += connection.recv(65536)


def test_a_frame_that_is_too_large_is_refused_before_it_is_received(client: httpx.Client) -> None:
    with camera(client) as live:
        opened(live)
        with suppress(ConnectionClosed):
            for _ in range(20):
                live.send(b"\xff\xd8\xff" + b"\0" * (5 << 20))
        assert end_of(live) == (1009, [])


def test_a_message_in_too_many_fragments_is_refused(client: httpx.Client) -> None:
    with raw(client) as connection:
        connection.sendall(masked(b"", 0x02) + masked(b"", 0x00) * 10_000)
        assert everything_from(connection)[:4][2:] == struct.pack("!H", 1009)
    with camera(client) as live:
        live.send([picture()[at : at + 10] for at in range(0, len(picture()), 10)])
        assert reply(live)["type"] == "frame"


def test_thousands_of_messages_at_once_get_their_replies_in_order(client: httpx.Client) -> None:
    count = 3000
    with raw(client) as connection:
        connection.sendall(EMPTY_FRAME * count)
        received = b""
        while received.count(b'"frame":') < count:
            received += connection.recv(1 << 16)
        assert client.get("/health/live").elapsed.total_seconds() < 1
    numbers = [int(part.split(b",")[0]) for part in received.split(b'"frame":')[1:]]
    assert numbers == list(range(count))


def test_messages_wait_unparsed(monkeypatch: pytest.MonkeyPatch) -> None:
    most = 0
    receive = websocket.WebSocketProtocol.receive

    async def watched(self: websocket.WebSocketProtocol) -> object:
        nonlocal most
        most = max(most, self.queue.qsize())
        return await receive(self)

    monkeypatch.setattr(websocket.WebSocketProtocol, "receive", watched)
    with serving_fake(live_fps=240) as client, raw(client) as connection:
        connection.sendall(EMPTY_FRAME * 40_000)
        time.sleep(0.5)
    assert 10 < most < 3000


def test_a_slow_reader_is_not_read_either_and_then_disconnected(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(websocket, "_STOP_SECONDS", 0.5)
    app = create_app(settings(upload_idle_seconds=1.5, live_fps=240), FakeEngine(faces=20))
    frame = masked(picture(width=400, height=300, form=".bmp"))  # 360 kB
    with serving(app, send_buffer=8192) as client, connection_to(client, receive_buffer=8192) as connection:
        connection.sendall(HANDSHAKE + b"\r\n")
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            send_for(5, connection, frame)
        wait_until(lambda: "client stopped reading" in caplog.text, 10)
        wait_until(lambda: "mien_live_connections 0.0" in client.get("/metrics").text)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            send_until_refused(5, connection, frame)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (HANDSHAKE.replace(b"Sec-WebSocket-Version: 13\r\n", b"") + b"\r\n", b"400"),
        (HANDSHAKE.replace(b"13", b"8") + b"\r\n", b"400"),
        (HANDSHAKE + b"Cookie: " + b"x" * 9000 + b"\r\n\r\n", b"400"),
        (HANDSHAKE + b"X-Sign: caf\xe9\r\n\r\n", b"101"),
        (HANDSHAKE.replace(b"GET /live", b"POST /live") + b"\r\n", b"405"),
        (HANDSHAKE.replace(b"/live ", b"/live?a=b ") + b"\r\n", b"101"),
        (HANDSHAKE.replace(b"/live ", b"/other ") + b"\r\n", b"404"),
        (HANDSHAKE + b"Content-Length: 3\r\n\r\nabc", b"400"),
    ],
)
def test_odd_handshakes(client: httpx.Client, head: bytes, status: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with connection_to(client) as connection:
        connection.sendall(head)
        assert connection.recv(4096).split()[1] == status
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_handshake_that_does_not_come_is_timed_out() -> None:
    app = create_app(settings(upload_idle_seconds=0.5), FakeEngine())
    with serving(app) as client, connection_to(client) as connection:
        connection.sendall(HANDSHAKE)
        started = time.monotonic()
        assert everything_from(connection) == b""
        assert time.monotonic() - started < 3


def test_connections_are_counted_out_again() -> None:
    app = create_app(settings(live_fps=240), FakeEngine())
    with serving(app, connections=6) as client:
        for _ in range(15):
            with camera(client) as live:
                shown(live, picture())
        with camera(client) as live:
            live.send("[]")
            assert end_of(live)[0] == 1008
        assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize("garbage", [b"\x00" * 100, b"\xff" * 100, masked(b"\xff\xfe", 0x81), b"\x82\x7f" + b"\0" * 40])
def test_what_is_no_websocket_frame_ends_the_connection(client: httpx.Client, garbage: bytes) -> None:
    with raw(client) as connection:
        connection.sendall(garbage)
        assert everything_from(connection)[0] == 0x88  # a close frame
    assert client.get("/health/live").status_code == 200
