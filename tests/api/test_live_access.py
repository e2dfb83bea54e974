"""Who may open ``/live``, how many may, and how it ends when the service stops."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from mien.api.live import route
from mien.app import create_app
from tests.api.camera import camera, end_of, opened, shown
from tests.api.live import (
    connection_to,
    everything_from,
    picture,
    serving,
    serving_fake,
    serving_held,
    settings,
    state_of,
    wait_until,
)
from tests.fakes import FakeEngine

KEY = "a-täst-key-of-some-length"
OTHER = "another-key-of-the-tests"
PAGE = "https://example.org"
HANDSHAKE = (
    b"GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture(scope="module")
def keyed() -> Iterator[httpx.Client]:
    with serving_fake(api_keys=f"{OTHER},{KEY}", cors_origins=PAGE, live_fps=240) as client:
        yield client


def refused(client: httpx.Client, headers: dict[str, str]) -> tuple[int, str]:
    """The status and code with which a handshake is refused."""
    with pytest.raises(InvalidStatus) as caught, camera(client, headers):
        pass
    response = caught.value.response
    assert response.headers["content-type"] == "application/problem+json"
    body = json.loads(response.body or b"")
    assert body["request_id"] == response.headers["x-request-id"]
    assert body["status"] == response.status_code
    return response.status_code, body["code"]


@pytest.mark.parametrize("headers", [{"x-api-key": OTHER}, {"authorization": f"Bearer {OTHER}"}])
def test_a_key_in_a_header(keyed: httpx.Client, headers: dict[str, str]) -> None:
    with camera(keyed, headers) as live:
        assert opened(live)["type"] == "start"
    with camera(keyed, headers) as live:
        assert shown(live, picture())[0]["type"] == "frame"


def test_a_key_in_the_first_message(keyed: httpx.Client) -> None:
    with camera(keyed, origin=PAGE) as live:
        start = opened(live, key=KEY)
        assert start["type"] == "start"
        assert "key" not in start["options"]
        shown(live, picture())


@pytest.mark.parametrize("headers", [{"x-api-key": "wrong"}, {"authorization": "Bearer "}, {"x-api-key": ""}])
def test_a_wrong_key_in_a_header_is_refused_at_once(keyed: httpx.Client, headers: dict[str, str]) -> None:
    assert refused(keyed, headers) == (401, "unauthorized")


@pytest.mark.parametrize("first", ['{"key": "wrong"}', "{}", '{"key": "\\u0442\\u0435"}', picture()])
def test_a_wrong_key_in_the_first_message_ends_the_connection(keyed: httpx.Client, first: str | bytes) -> None:
    with camera(keyed) as live:
        live.send(first)
        close, (error,) = end_of(live)
    assert (close, error["type"], error["code"]) == (3000, "error", "unauthorized")


def test_a_key_must_come_soon(monkeypatch: pytest.MonkeyPatch, keyed: httpx.Client) -> None:
    monkeypatch.setattr(route, "OPENING_SECONDS", 0.3)
    with camera(keyed) as live:
        started = time.monotonic()
        assert end_of(live) == (3008, [])
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "localhost", True),
        ("http://localhost:8000", "localhost:8000", True),
        ("https://localhost", "localhost:443", True),
        ("http://LOCALHOST:80", "localhost", True),
        (PAGE, "localhost", True),
        ("https://evil.example", "localhost", False),
        ("http://localhost:3000", "localhost:8000", False),
        ("http://example.org", "localhost", False),
        ("null", "localhost", False),
        ("https://localhost.evil.example", "localhost", False),
    ],
)
def test_pages_of_other_origins_are_refused(keyed: httpx.Client, origin: str | None, host: str, allowed: bool) -> None:
    headers = {"host": host, "x-api-key": OTHER} | ({} if origin is None else {"origin": origin})
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    status = handshake(keyed, head)
    assert status == (b"101" if allowed else b"403")


def handshake(client: httpx.Client, headers: str) -> bytes:
    """The status of a handshake with exactly these ``headers``."""
    head = f"GET /live HTTP/1.1\r\n{headers}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    with connection_to(client) as connection:
        connection.sendall(f"{head}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        return connection.recv(4096).split()[1]


def test_a_refused_origin_is_told_why(keyed: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    assert refused(keyed, {"origin": "https://evil.example", "x-api-key": OTHER}) == (403, "unknown_origin")
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_any_origin() -> None:
    with serving_fake(cors_origins="*") as client, camera(client, origin="https://evil.example") as live:
        assert opened(live)["type"] == "start"


@pytest.mark.parametrize(
    ("host", "status"), [("localhost", b"101"), ("127.0.0.1:80", b"101"), ("evil.example", b"421")]
)
def test_the_host_is_checked_as_for_requests(host: str, status: bytes) -> None:
    with serving_fake() as client:
        assert handshake(client, f"Host: {host}\r\n") == status
        assert handshake(client, f"Host: {host}\r\nOrigin: http://{host}\r\n") == status


def test_a_connection_too_many_is_refused_and_a_place_is_free_again() -> None:
    with serving_fake(live_connections=2) as client:
        with camera(client) as one, camera(client) as two:
            opened(one)
            opened(two)
            with pytest.raises(InvalidStatus) as caught, camera(client):
                pass
            response = caught.value.response
            assert (response.status_code, response.headers["retry-after"]) == (503, "5")
            assert json.loads(response.body or b"")["code"] == "too_many_connections"
            assert client.get("/health/live").status_code == 200
        wait_until(lambda: "mien_live_connections 0.0" in client.get("/metrics").text)
        with camera(client) as three:
            assert opened(three)["type"] == "start"


def test_clients_without_a_key_take_no_place_from_those_with_one() -> None:
    with serving_fake(live_connections=2, api_keys=OTHER) as client, ExitStack() as stack:
        silent = [stack.enter_context(camera(client)) for _ in range(5)]
        with camera(client, {"x-api-key": OTHER}) as live, camera(client) as page:
            assert opened(live)["type"] == opened(page, key=OTHER)["type"] == "start"
            with camera(client) as other:
                other.send(json.dumps({"key": OTHER}))
                close, (error,) = end_of(other)
        assert (close, error["code"]) == (1013, "too_many_connections")
        started = time.monotonic()
        assert end_of(silent[0]) == (3008, [])
        assert time.monotonic() - started < 3


def test_no_connection_while_there_is_no_engine() -> None:
    app = create_app(settings(), FakeEngine())
    with serving(app) as client:
        state_of(app).engine.clear("The models are loading.")
        assert refused(client, {}) == (503, "engine_closed")


def test_the_end_of_the_service_closes_every_connection_in_words() -> None:
    app = create_app(settings(api_keys=OTHER, live_fps=240), FakeEngine())
    with ExitStack() as stack:
        with serving(app) as client:
            opening = stack.enter_context(camera(client))
            live = stack.enter_context(camera(client, {"x-api-key": OTHER}))
            opened(live)
            shown(live, picture())
            started = time.monotonic()
        assert time.monotonic() - started < 4
        close, (end,) = end_of(live)
        assert (close, end["type"], end["code"]) == (1001, "end", 1001)
        assert end["person_state"]
        close, (error,) = end_of(opening)
        assert (close, error["code"]) == (1001, "engine_closed")


@pytest.mark.parametrize("used", [False, True])
def test_a_handshake_that_arrives_while_the_service_stops_is_refused(used: bool) -> None:
    with ExitStack() as stack:
        with serving(create_app(settings(), FakeEngine())) as client:
            connection = stack.enter_context(connection_to(client))
            if used:
                connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")
            threading.Timer(0.5, connection.sendall, [HANDSHAKE]).start()
        head, _, body = everything_from(connection).rpartition(b"\r\n\r\n")
    assert b"HTTP/1.1 503" in head
    assert b"retry-after: 1\r\n" in head
    assert json.loads(body)["code"] == "engine_closed"


def test_frames_that_wait_when_the_service_stops_get_their_replies() -> None:
    with ExitStack() as stack:
        with serving_held(queue_capacity=4, live_fps=240) as (client, _, gate):
            live = stack.enter_context(camera(client))
            opened(live)
            for _ in range(5):
                live.send(picture())
                time.sleep(0.05)
            live.send("more options")
            threading.Timer(0.5, gate.set).start()
        close, found = end_of(live)
    assert close == 1001
    assert [one.get("frame") for one in found] == [0, 1, 2, 3, 4, None, None]
    assert [one["type"] for one in found[-2:]] == ["error", "end"]


def test_a_client_that_ignores_the_end_does_not_delay_the_stop() -> None:
    app = create_app(settings(), FakeEngine())
    with serving(app, shutdown_seconds=30) as client, connection_to(client) as connection:
        connection.sendall(HANDSHAKE)
        assert connection.recv(12) == b"HTTP/1.1 101"
        started = time.monotonic()
        connection_end = connection.dup()
    assert time.monotonic() - started < 8
    assert b"\x03\xe9" in everything_from(connection_end)  # 1001
    connection_end.close()
