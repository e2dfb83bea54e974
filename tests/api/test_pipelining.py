"""Pipelined requests: buffered, and answered in order."""

import socket
import time
from collections.abc import Iterator

import httpx
import psutil
import pytest

from mien.app import create_app
from tests.api.live import (
    connection_to,
    everything_from,
    picture,
    post_head,
    serving,
    serving_held,
    settings,
    wait_until,
)
from tests.fakes import FakeEngine

PNG = picture(width=8, height=8)
LAST = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
PROBE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with serving(create_app(settings(workers=1), FakeEngine())) as client:
        yield client


def post(body: bytes, more: str = "") -> bytes:
    return post_head(len(body), f"Content-Type: image/png\r\n{more}").replace(b"Host: x", b"Host: localhost") + body


def chunked(body: bytes, size: int, trailers: bytes = b"") -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n" + trailers + b"\r\n"


EXCHANGES = {
    "probes": (3 * PROBE, b"200 200 200 200"),
    "bodies": (post(PNG) + PROBE + post(b"no picture") + post(PNG), b"200 200 415 200 200"),
    "a body that holds requests": (post(b"\r\n\r\n" + 2 * PROBE + b"\r\n\r\n") + PROBE, b"415 200 200"),
    "chunks": (chunked(PNG, 7) + chunked(PNG, 1000, b"A: b\r\n") + PROBE, b"200 200 200 200"),
    "a chunk that holds requests": (chunked(b"\r\n\r\n0\r\n\r\n" + PROBE, 1000) + PROBE, b"415 200 200"),
    "blank lines before": (b"\r\n\r\n" + PROBE + b"\r\n" + PROBE, b"200 200 200"),
    "head": (PROBE.replace(b"GET", b"HEAD") + PROBE, b"200 200 200"),
    "unknown paths": (PROBE.replace(b"live", b"nowhere") + PROBE, b"404 200 200"),
    "upgrades": (
        PROBE[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + PROBE,
        b"200 200 200",
    ),
    "an empty body": (post(b"") + PROBE, b"400 200 200"),
}


def statuses(received: bytes) -> bytes:
    return b" ".join(part[:3] for part in received.split(b"HTTP/1.1 ")[1:] if part[:3] != b"100")


@pytest.mark.parametrize(("sent", "expected"), EXCHANGES.values(), ids=EXCHANGES)
def test_an_exchange_in_one_piece_and_byte_for_byte(client: httpx.Client, sent: bytes, expected: bytes) -> None:
    for size in (len(sent + LAST), 1, 3, 40):
        with connection_to(client) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for start in range(0, len(sent + LAST), size):
                connection.sendall((sent + LAST)[start : start + size])
            received = everything_from(connection)
        assert statuses(received) == expected, size
        assert b'"status":"ready"' in received


def test_an_exchange_split_at_every_position(client: httpx.Client) -> None:
    sent = PROBE + post(b"\r\n\r\nx") + chunked(b"a\r\n\r\nb", 3, b"A: b\r\n") + LAST
    for start in range(1, len(sent)):
        with connection_to(client) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(sent[:start])
            if start % 7 == 0:
                time.sleep(0.01)
            connection.sendall(sent[start:])
            assert statuses(everything_from(connection)) == b"200 415 415 200", start


def test_an_expectation_of_100_behind_another_request(client: httpx.Client) -> None:
    with connection_to(client) as connection:
        connection.sendall(PROBE + post(PNG, "Expect: 100-continue\r\n")[: -len(PNG)])
        received = b""
        while not received.endswith(b"100 Continue\r\n\r\n"):
            received += connection.recv(65536)
        connection.sendall(PNG + LAST)
        assert statuses(received + everything_from(connection)) == b"200 200 200"


def test_nothing_is_answered_after_a_close(client: httpx.Client) -> None:
    with connection_to(client) as connection:
        connection.sendall(LAST + 5 * PROBE)
        assert statuses(everything_from(connection)) == b"200"


def test_the_next_is_not_begun_before_the_answer() -> None:
    with serving_held(queue_capacity=10) as (client, state, gate), connection_to(client) as connection:
        connection.sendall(3 * post(PNG) + LAST)
        wait_until(lambda: state.gate.admitted == 1)
        time.sleep(0.1)
        assert state.gate.admitted == 1
        assert state.gate.uploading == 0
        gate.set()
        assert statuses(everything_from(connection)) == b"200 200 200 200"


def test_a_disconnect_is_seen_behind_a_few_requests() -> None:
    with serving_held(queue_capacity=10) as (client, state, gate):
        with connection_to(client) as connection:
            connection.sendall(post(PNG) + 3 * PROBE)
            wait_until(lambda: state.gate.admitted == 1)
        gate.set()
        wait_until(lambda: state.gate.admitted == 0)
        client.get("/health/live").raise_for_status()


def test_reading_stops_while_a_request_is_in_work() -> None:
    flood = PROBE * 5_000
    with serving_held(queue_capacity=10) as (client, state, gate), connection_to(client) as connection:
        connection.sendall(post(PNG))
        wait_until(lambda: state.gate.admitted == 1)
        connection.setblocking(False)
        before, sent, idle = psutil.Process().memory_info().rss, 0, 0
        while idle < 20:
            try:
                sent += connection.send(flood)
                idle = 0
            except BlockingIOError:
                idle += 1
                time.sleep(0.01)
            assert sent < 64 << 20, "everything is taken"
        assert psutil.Process().memory_info().rss - before < 32 << 20
        gate.set()
