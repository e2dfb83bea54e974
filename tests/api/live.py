"""A real server on a real socket around a fake engine: as clients meet it, with disconnects and early responses."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import cv2
import httpx
import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic_settings import SettingsConfigDict

from mien.api.dependencies import AppState
from mien.api.live.limits import MAX_FRAME_BYTES
from mien.app import create_app
from mien.engine.base import Engine
from mien.errors import MienError
from mien.server.protocol import protocol
from mien.server.websocket import websocket_options
from mien.settings import Settings
from tests.fakes import FakeEngine

NEED_NO_KEY = (
    "/",
    "/docs",
    "/openapi.json",
    "/privacy",
    "/static/style.css",
    "/health/live",
    "/health/startup",
    "/health/ready",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/emotion",
    "/v2/models/emotion/ready",
)
"""What may be read without a key."""


KEY = "a-key-of-the-tests"
"""Long enough to be accepted."""


class _IsolatedSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="MIEN_TEST_NEVER_SET_")


def settings(**chosen: Any) -> Settings:
    """Settings that no environment variable changes; there can be jobs only in a ``data_dir`` that is given."""
    return _IsolatedSettings(**{"data_dir": Path(os.devnull, "jobs"), **chosen})


@contextmanager
def serving(
    app: FastAPI,
    send_buffer: int | None = None,
    shutdown_seconds: int = 5,
    max_waiting: int | None = None,
    connections: int = 300,
) -> Iterator[httpx.Client]:
    """A client of ``app``, which serves in a thread meanwhile; the kernel keeps ``send_buffer`` bytes for a reader.

    There are at most ``connections``, and ``max_waiting`` of them wait for a request.
    """
    http = protocol(app.state.settings.upload_idle_seconds, connections, max_waiting)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        http=http,
        **websocket_options(MAX_FRAME_BYTES),
        timeout_graceful_shutdown=shutdown_seconds,
    )
    with socket.socket() as listener:
        if send_buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_until(lambda: server.started)
            with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=20) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def serving_fake(engine: Engine | None = None, **chosen: Any) -> Iterator[httpx.Client]:
    """A client of an app around ``engine`` (a ``FakeEngine`` of one face) with the settings ``chosen``."""
    with serving(create_app(settings(**chosen), engine or FakeEngine(), on_failure=_unexpected)) as client:
        yield client


@contextmanager
def serving_held(
    queue_capacity: int, workers: int = 1, **chosen: Any
) -> Iterator[tuple[httpx.Client, AppState, threading.Event]]:
    """A client, the app's state, and the event that lets the engine answer."""
    gate = threading.Event()
    engine = FakeEngine(gate=gate)
    app = create_app(settings(queue_capacity=queue_capacity, workers=workers, **chosen), engine)
    with serving(app) as client:
        try:
            yield client, state_of(app), gate
        finally:
            gate.set()


def state_of(app: FastAPI) -> AppState:
    """The long-lived objects of ``app``."""
    return cast("AppState", app.state.mien)


def connection_to(client: httpx.Client, receive_buffer: int | None = None) -> socket.socket:
    """A bare connection to the server of ``client``."""
    connection = socket.socket()
    if receive_buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(10)
    connection.connect((client.base_url.host, cast("int", client.base_url.port)))
    return connection


def post_head(length: int, more: str = "", path: str = "/predict") -> bytes:
    """The head of a request with a body of that length."""
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{more}Content-Length: {length}\r\n\r\n".encode()


def everything_from(connection: socket.socket) -> bytes:
    """What the server sends until it closes the connection."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def _unexpected(error: MienError) -> None:
    raise AssertionError(error)


def wait_until(true: Any, seconds: float = 10.0) -> None:
    """Poll; fail rather than hang."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def picture(value: int = 100, width: int = 64, height: int = 48, form: str = ".png") -> bytes:
    """A plain picture of one grey."""
    done, data = cv2.imencode(form, np.full((height, width, 3), value, np.uint8))
    assert done
    return data.tobytes()


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem that a response must be."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json"), (
        response.text
    )
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["type"].endswith(code)
    assert body["title"]
    detail = body["detail"]
    assert not detail[0].islower() or detail.startswith(body["field"]), "a sentence"
    assert detail.endswith("."), "a sentence"
    assert body["request_id"] == response.headers["x-request-id"]
    assert "Traceback" not in response.text
    return body
