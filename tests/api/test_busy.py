"""Overload, deadlines, a failing engine, disconnects: no request hangs, nothing leaks, and probes are answered."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import httpx
import psutil
import pytest

from mien.errors import DeadlineExceeded, EngineClosed, InferenceFailed, MienError, Overloaded
from tests.api.live import (
    connection_to,
    everything_from,
    picture,
    post_head,
    problem,
    serving_fake,
    serving_held,
    wait_until,
)
from tests.fakes import FakeEngine

PNG = picture()
_THREADS = 8
"""That one caller may hold of one worker's gate."""
_PROBES = ("/health/live", "/health/ready", "/health/startup", "/v2/health/live", "/v2/health/ready")


def send_and_disconnect(client: httpx.Client, head: bytes, body: bytes) -> None:
    with connection_to(client) as connection:
        connection.sendall(head + body)
        time.sleep(0.05)


def test_a_full_queue_answers_429_and_empties_again() -> None:
    with serving_held(queue_capacity=3) as (client, state, gate), ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(client.post, "/predict", content=PNG) for _ in range(3)]
        wait_until(lambda: state.gate.admitted == 3)
        refused = client.post("/predict", content=PNG)
        problem(refused, 429, "overloaded")
        assert int(refused.headers["retry-after"]) >= 1
        gate.set()
        assert [future.result().status_code for future in waiting] == [200, 200, 200]
        client.post("/predict", content=PNG).raise_for_status()
        assert state.gate.admitted == 0


def test_probes_and_metrics_answer_while_every_thread_is_busy() -> None:
    with serving_held(queue_capacity=30) as (client, state, gate), ThreadPoolExecutor(30) as pool:
        waiting = [pool.submit(client.post, "/predict", content=PNG) for _ in range(30)]
        wait_until(lambda: state.gate.admitted == 30)
        for path in (*_PROBES, "/metrics"):
            started = time.monotonic()
            client.get(path).raise_for_status()
            assert time.monotonic() - started < 1
        gate.set()
        assert {future.result().status_code for future in waiting} == {200}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Overloaded("the engine is full", retry_after=2.4), 429),
        (DeadlineExceeded("too late"), 503),
        (EngineClosed("closing"), 503),
        (InferenceFailed("secret: the graph at /models broke"), 500),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "image/png"])
def test_engine_errors_become_problems(error: MienError, status: int, accept: str) -> None:
    with serving_fake(FakeEngine(error=error)) as client:
        answer = client.post("/predict", content=PNG, headers={"accept": accept})
        problem(answer, status, error.code)
        assert ("retry-after" in answer.headers) == (status in {429, 503})
        assert "secret" not in answer.text
        if isinstance(error, Overloaded):
            assert answer.headers["retry-after"] == "3"


def test_an_unexpected_error_is_a_problem_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeEngine):
        def models(self) -> tuple[()]:
            raise ZeroDivisionError("secret")

    with serving_fake(Broken()) as client:
        answer = client.post("/predict", content=PNG)
        body = problem(answer, 500, "internal_error")
        assert "secret" not in answer.text
        client.get("/health/live").raise_for_status()
    assert body["request_id"] in {getattr(record, "fields", {}).get("request_id") for record in caplog.records}
    assert "secret" in caplog.text


def test_a_client_that_disconnects_during_the_analysis() -> None:
    with serving_held(queue_capacity=4) as (client, state, gate):
        for _ in range(4):
            send_and_disconnect(client, post_head(len(PNG)), PNG)
        gate.set()
        wait_until(lambda: state.gate.admitted == 0)
        client.post("/predict", content=PNG).raise_for_status()


def test_pictures_of_a_disconnected_client_are_skipped() -> None:
    body = "".join(
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{n}"\r\n\r\n{{}}\r\n' for n in range(9)
    )
    form = body.encode().replace(b"{}", PNG) + b"--b--\r\n"
    with serving_held(queue_capacity=4) as (client, state, gate):
        engine = cast("FakeEngine", state.engine.get())
        with connection_to(client) as connection:
            connection.sendall(post_head(len(form), "Content-Type: multipart/form-data; boundary=b\r\n") + form)
            wait_until(lambda: engine.seen == 1)
        time.sleep(0.2)
        gate.set()
        wait_until(lambda: state.gate.admitted == 0)
        assert engine.seen == 1
        assert 'status="499"' in client.get("/metrics").text


def test_a_request_whose_client_disconnects_in_the_queue_never_starts() -> None:
    with serving_held(queue_capacity=50) as (client, state, gate), ThreadPoolExecutor(8) as pool:
        engine = cast("FakeEngine", state.engine.get())
        running = [pool.submit(client.post, "/predict", content=PNG) for _ in range(_THREADS)]
        wait_until(lambda: engine.seen == _THREADS)
        send_and_disconnect(client, post_head(len(PNG)), PNG)
        wait_until(lambda: state.gate.admitted == _THREADS)
        gate.set()
        assert {future.result().status_code for future in running} == {200}
        assert engine.seen == _THREADS


def test_a_deadline_ends_the_wait_for_a_thread_and_not_the_work() -> None:
    with serving_held(queue_capacity=50) as (client, state, gate), ThreadPoolExecutor(8) as pool:
        engine = cast("FakeEngine", state.engine.get())
        began = time.monotonic()
        running = [pool.submit(client.post, "/predict?deadline_ms=1000", content=PNG) for _ in range(_THREADS)]
        wait_until(lambda: engine.seen == _THREADS)
        started = time.monotonic()
        refused = client.post("/predict", params={"deadline_ms": 50}, content=PNG)
        assert 0.05 <= time.monotonic() - started < 2
        problem(refused, 503, "deadline_exceeded")
        assert int(refused.headers["retry-after"]) >= 1
        wait_until(lambda: state.gate.admitted == _THREADS)
        time.sleep(max(0.0, began + 1.2 - time.monotonic()))  # the deadline of those that run passes too
        gate.set()
        assert {future.result().status_code for future in running} == {200}
        assert engine.seen == _THREADS
        client.post("/predict", params={"deadline_ms": 5000}, content=PNG).raise_for_status()


def test_disconnecting_during_an_upload_leaves_no_file_open() -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + b"x" * 300_000
    form = post_head(10_000_000, "Content-Type: multipart/form-data; boundary=b\r\n")
    with serving_fake(spool_memory_bytes=1000) as client:
        client.get("/health/live")
        before = psutil.Process().num_fds()
        for _ in range(5):
            send_and_disconnect(client, form, part)
            send_and_disconnect(client, post_head(10_000_000), part)
        wait_until(lambda: psutil.Process().num_fds() <= before)
        client.post("/predict", content=PNG).raise_for_status()


def test_a_stalled_upload_is_ended() -> None:
    with (
        serving_fake(upload_idle_seconds=0.2) as client,
        connection_to(client) as connection,
    ):
        connection.sendall(post_head(1000) + b"x" * 10)
        assert connection.recv(65536).startswith(b"HTTP/1.1 408")


def test_expect_100_continue_is_refused_before_the_body() -> None:
    head = post_head(200_000_000, "Expect: 100-continue\r\n")
    with (
        serving_fake() as client,
        connection_to(client) as connection,
    ):
        connection.settimeout(2)
        connection.sendall(head)
        answer = everything_from(connection)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"100 Continue" not in answer


def test_a_client_that_sends_everything_before_it_reads_gets_the_refusal() -> None:
    with (
        serving_fake() as client,
        connection_to(client) as connection,
    ):
        connection.sendall(post_head(100_000_000))
        for _ in range(100):
            connection.sendall(bytes(1_000_000))
        assert everything_from(connection).startswith(b"HTTP/1.1 413")
