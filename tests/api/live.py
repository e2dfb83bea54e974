"""A real server on a real socket around a fake engine: what a client meets, hang-ups and early answers included."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import httpx
import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic_settings import SettingsConfigDict

from service.app import create_app
from service.engine.base import Engine
from service.errors import MienError
from service.settings import Settings
from tests.fakes import FakeEngine


class _Unswayed(Settings):
    model_config = SettingsConfigDict(env_prefix="MIEN_TEST_NEVER_SET_")


def settings(**chosen: Any) -> Settings:
    """Settings that no environment variable changes."""
    return _Unswayed(**chosen)


@contextmanager
def serving(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of ``app``, which serves in a thread meanwhile."""
    config = uvicorn.Config(app, log_config=None, access_log=False, http="httptools", timeout_graceful_shutdown=5)
    with socket.socket() as listener:
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
    assert body["detail"][0].isprintable()
    assert body["request_id"] == response.headers["x-request-id"]
    assert "Traceback" not in response.text
    return body
