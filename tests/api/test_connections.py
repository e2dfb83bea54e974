"""An idle connection is closed; one with a slow request is not."""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest

from mien.app import create_app
from tests.api.live import connection_to, picture, post_head, serving, settings
from tests.fakes import FakeEngine

IDLE = 0.6
PROBE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    app = create_app(settings(workers=1, upload_idle_seconds=IDLE), FakeEngine())
    with serving(app) as client:
        yield client


def seconds_until_ended(connection: socket.socket, drip: bytes = b"") -> float:
    """How long the server bears with it, when one byte of ``drip`` comes every tenth of that time."""
    started, left = time.monotonic(), list(drip)
    while not select.select([connection], [], [], IDLE / 10)[0]:
        if left:
            connection.sendall(bytes([left.pop(0)]))
        assert time.monotonic() - started < 10 * IDLE, "never ended"
    with suppress(ConnectionResetError):  # a byte crossed the end on its way
        assert connection.recv(1) == b""
    return time.monotonic() - started


def answer(connection: socket.socket, request: bytes = PROBE) -> bytes:
    connection.sendall(request)
    return connection.recv(65536)


@pytest.mark.parametrize(
    ("sent", "drip"),
    [
        (b"", b""),
        (b"", b"GET /" + b"x" * 100),
        (b"\r\n", b""),
        (b"", b"\r\n" * 50),
        (b"GET /heal", b""),
        (b"GET /heal", b"x" * 100),
        (PROBE[:-2], b""),
        (PROBE[:-2], b"x" * 100),
    ],
    ids=lambda given: repr(given[:12]),
)
def test_an_incomplete_head_times_out(client: httpx.Client, sent: bytes, drip: bytes) -> None:
    with connection_to(client) as connection:
        connection.sendall(sent)
        assert 0.9 * IDLE < seconds_until_ended(connection, drip) < 3 * IDLE


@pytest.mark.parametrize("drip", [b"\r\n" * 50, b"GET /" + b"x" * 50], ids=lambda given: repr(given[:12]))
def test_the_next_head_times_out_too(client: httpx.Client, drip: bytes) -> None:
    with connection_to(client) as connection:
        assert answer(connection).startswith(b"HTTP/1.1 200")
        assert 0.9 * IDLE < seconds_until_ended(connection, drip) < 3 * IDLE


def test_a_connection_is_kept_from_one_request_to_the_next(client: httpx.Client) -> None:
    with connection_to(client) as connection:
        for _ in range(5):
            assert answer(connection).startswith(b"HTTP/1.1 200")
            time.sleep(IDLE / 2)
        # Several in one go, the last of them in two parts.
        connection.sendall(3 * PROBE + PROBE[:20])
        time.sleep(IDLE / 2)
        connection.sendall(PROBE[20:] + b"GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(65536), b""))
        assert received.count(b"HTTP/1.1 200") == 5


HEADERS = b"a: b\r\n" * 10_000


@pytest.mark.parametrize(
    ("begun", "more", "status"),
    [
        (b"GET /", b"x" * 60_000, 414),
        (b"GET / HTTP/1.1\r\nA: ", b"x" * 60_000, 431),
        (b"GET / HTTP/1.1\r\n", HEADERS, 431),
        (b"POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", HEADERS, 431),
        (PROBE + b"GET / HTTP/1.1\r\n", HEADERS, 431),
    ],
    ids=["path", "header", "headers", "trailers", "headers of the next"],
)
def test_an_endless_head_is_refused(client: httpx.Client, begun: bytes, more: bytes, status: int) -> None:
    sent = 0
    with connection_to(client) as connection, suppress(ConnectionResetError, BrokenPipeError):
        connection.sendall(begun)
        while not select.select([connection], [], [], 0)[0] or begun.startswith(PROBE):
            connection.sendall(more)
            sent += len(more)
            assert sent < 5_000_000
        if not begun.startswith(PROBE):
            assert b"HTTP/1.1 %d" % status in connection.recv(65536)


def test_a_large_body_in_small_chunks_is_accepted(client: httpx.Client) -> None:
    body = picture(width=200, height=160, form=".bmp")
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    assert len(chunks) > 500_000
    with connection_to(client) as connection:
        assert answer(connection, head + chunks + b"0\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_a_websocket_upgrade_is_ignored(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    wish = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n"
    with connection_to(client) as connection:
        assert answer(connection, PROBE[:-2] + wish).startswith(b"HTTP/1.1 200")
    assert not [record for record in caplog.records if record.name.startswith("uvicorn")]


def test_a_slow_body_is_accepted(client: httpx.Client) -> None:
    body = picture(width=200, height=160, form=".bmp")
    with connection_to(client) as connection:
        connection.sendall(post_head(len(body)))
        started = time.monotonic()
        part = len(body) // 15
        for begin in range(0, len(body), part):
            connection.sendall(body[begin : begin + part])
            time.sleep(IDLE / 5)
        assert time.monotonic() - started > 2 * IDLE
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_at_the_limit_the_longest_idle_connection_is_closed() -> None:
    app = create_app(settings(workers=1), FakeEngine())
    with serving(app, max_waiting=5) as client, ExitStack() as stack:
        assert client.get("/health/live").status_code == 200
        half = [stack.enter_context(connection_to(client)) for _ in range(9)]
        for connection in half:
            connection.sendall(PROBE[:9])
        for connection in half[:4]:
            assert seconds_until_ended(connection) < 2
        assert select.select(half[4:], [], [], 0.2)[0] == []
        # The probe comes in over one more, and those that still wait are answered when they have asked.
        assert httpx.get(f"{client.base_url}/health/live").status_code == 200
        assert answer(half[-1], PROBE[9:]).startswith(b"HTTP/1.1 200")


def test_idle_connections_do_not_delay_the_shutdown() -> None:
    started = time.monotonic()
    with serving(create_app(settings(workers=1), FakeEngine())) as client, connection_to(client) as connection:
        connection.sendall(PROBE[:9])
        client.get("/health/live").raise_for_status()
    assert time.monotonic() - started < 4


def test_a_refused_trickling_client_is_closed_soon() -> None:
    with serving(create_app(settings(workers=1), FakeEngine())) as client, connection_to(client) as connection:
        connection.sendall(post_head(100_000_000))
        started = time.monotonic()
        with suppress(ConnectionResetError, BrokenPipeError):
            while not connection.recv(65536).startswith(b"HTTP/1.1 413"):
                pass
            while not select.select([connection], [], [], 0.05)[0] or connection.recv(65536):
                connection.sendall(b"x")
                assert time.monotonic() - started < 5, "kept open"


def test_a_probe_is_answered_when_half_open_connections_fill_every_place() -> None:
    app = create_app(settings(workers=1), FakeEngine())
    with serving(app, connections=10) as client, ExitStack() as stack:
        for sent in 30 * [PROBE[:9], b"", post_head(100_000_000) + b"x"]:
            stack.enter_context(connection_to(client)).sendall(sent)
        for _ in range(5):
            started = time.monotonic()
            assert httpx.get(f"{client.base_url}/health/live").status_code == 200
            assert time.monotonic() - started < 1
