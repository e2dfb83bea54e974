"""Starting and stopping: probes before the models are there, a store that cannot be used, an engine that is closed."""

import logging
import socket
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from mien.app import create_app
from mien.engine.base import Engine
from mien.errors import MienError, ModelChanged
from tests.api.live import (
    connection_to,
    everything_from,
    picture,
    post_head,
    problem,
    serving,
    settings,
    state_of,
    wait_until,
)
from tests.fakes import FakeEngine

_NOT_YET = ("/health/ready", "/health/startup", "/v2/health/ready", "/v2/models/emotion/ready")


def status(client: httpx.Client, path: str) -> int:
    return client.get(path).status_code


def opening(monkeypatch: pytest.MonkeyPatch, open_engine: Callable[[object], Engine]) -> None:
    monkeypatch.setattr("mien.app._open", lambda settings, _: open_engine(settings))


def test_pillow_is_silenced_before_there_are_threads() -> None:
    # FastAPI changes the filters for a moment now and then, and drops what another thread has added meanwhile.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        create_app(settings(), FakeEngine())
        warnings.warn_explicit("Tag data", UserWarning, "TiffImagePlugin.py", 946, module="PIL.TiffImagePlugin")


def test_while_the_models_load_only_liveness_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = threading.Event()
    engine = FakeEngine()

    def slowly(_: object) -> Engine:
        loaded.wait(10)
        return engine

    opening(monkeypatch, slowly)
    with serving(create_app(settings())) as client:
        assert status(client, "/health/live") == status(client, "/v2/health/live") == 200
        for path in _NOT_YET:
            answer = client.get(path)
            problem(answer, 503, "not_ready")
            assert answer.headers["retry-after"] == "1"
        problem(client.post("/predict", content=picture()), 503, "engine_closed")
        problem(client.get("/models"), 503, "engine_closed")
        assert "mien_engine_up 0.0" in client.get("/metrics").text
        loaded.set()
        wait_until(lambda: status(client, "/health/ready") == 200)
        assert status(client, "/health/startup") == 200
        client.post("/predict", content=picture()).raise_for_status()
    assert engine.closed


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ModelChanged("model.onnx is not the file that its manifest describes"), "model_changed", "model.onnx"),
        (ZeroDivisionError("secret"), "model_unreadable", "unexpected error"),
    ],
)
def test_an_engine_that_does_not_open_is_reported_once(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: str, said: str
) -> None:
    def broken(_: object) -> Engine:
        raise error

    failures: list[MienError] = []
    opening(monkeypatch, broken)
    with serving(create_app(settings(), on_failure=failures.append)) as client:
        wait_until(lambda: failures)
        assert said in problem(client.get("/health/startup"), 503, "not_ready")["detail"]
        assert status(client, "/health/live") == 200
    assert [failure.code for failure in failures] == [code]


@pytest.mark.parametrize(
    ("keys", "said"), [("a-key-of-the-tests,b-key-of-the-tests", "required"), (None, "not required")]
)
def test_the_log_says_whether_keys_are_required_and_what_runs_the_models(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, keys: str | None, said: str
) -> None:
    opening(monkeypatch, lambda _: FakeEngine())
    caplog.set_level(logging.INFO)
    with serving(create_app(settings(**({} if keys is None else {"api_keys": keys})))) as client:
        wait_until(lambda: status(client, "/health/ready") == 200)
    (line,) = [record for record in caplog.records if record.getMessage() == "ready"]
    assert line.__dict__["fields"]["api_keys"] == said
    assert line.__dict__["fields"]["provider"] == "cpu"


def test_stopping_while_the_models_load_waits_for_them_and_closes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()
    loaded = threading.Event()

    def slowly(_: object) -> Engine:
        loaded.wait(10)
        return engine

    opening(monkeypatch, slowly)
    threading.Timer(0.5, loaded.set).start()
    with serving(create_app(settings())) as client:
        assert status(client, "/health/startup") == 503
    assert engine.closed


def test_an_unhealthy_engine_is_started_but_not_ready() -> None:
    with serving(create_app(settings(), FakeEngine(ready=False))) as client:
        assert status(client, "/health/startup") == 200
        assert problem(client.get("/health/ready"), 503, "not_ready")["detail"] == "The models are loading."
        assert status(client, "/v2/models/emotion/ready") == 503


def test_a_request_cancelled_by_the_shutdown_gets_an_answer() -> None:
    gate = threading.Event()
    engine = FakeEngine(gate=gate)
    with ThreadPoolExecutor(1) as pool:
        with serving(create_app(settings(), engine), shutdown_seconds=1) as client:
            answer = pool.submit(httpx.post, f"{client.base_url}/predict", files=[("file", picture())] * 5)
            answer.add_done_callback(lambda _: gate.set())
            wait_until(lambda: engine.seen == 1)
        body = problem(answer.result(10), 503, "engine_closed")
    assert "send the request again" in body["detail"]
    assert engine.seen == 1


def test_a_request_that_is_on_its_way_when_the_server_stops_is_answered() -> None:
    def late(connection: socket.socket) -> bytes:
        time.sleep(0.4)  # the server has begun to stop
        connection.sendall(post_head(len(picture())) + picture())
        return everything_from(connection)

    with ThreadPoolExecutor(1) as pool:
        with serving(create_app(settings(), FakeEngine())) as client:
            connection = connection_to(client)
            client.get("/health/live")
            answer = pool.submit(late, connection)
        assert answer.result().startswith(b"HTTP/1.1 200")
        assert b"connection: close" in answer.result()
        connection.close()


def test_a_stopping_service_is_not_ready() -> None:
    app = create_app(settings(), FakeEngine())
    with serving(app) as client:
        assert status(client, "/health/ready") == 200
        state_of(app).engine.stopping = True
        assert problem(client.get("/health/ready"), 503, "not_ready")["detail"] == "The service is stopping."
        assert status(client, "/health/live") == 200
        client.post("/predict", content=picture()).raise_for_status()  # who comes is served while it lasts
