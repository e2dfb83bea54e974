"""A running server whose workers get stuck: it replaces them, says so, and ends if it cannot; and SIGTERM ends it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.api.live import problem
from tests.e2e import hanging
from tests.e2e.server import Server


def server(folder: Path, **environment: str) -> Server:
    return Server(folder, {"MIEN_WORKERS": "2", **environment}, hanging.COMMAND)


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_a_stuck_worker_is_replaced_and_readiness_tells_the_truth(tmp_path: Path, astronaut: bytes) -> None:
    hang = 1.5
    with server(tmp_path, MIEN_WORKER_HANG_SECONDS=str(hang)) as running, ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(httpx.post, f"{running.url}/predict", content=hanging.stuck_picture()) for _ in range(2)]
        began = time.monotonic()
        reasons = set()
        while not all(call.done() for call in calls):
            answer = running.client.get("/health/ready")
            if answer.status_code == 503:
                reasons.add(problem(answer, 503, "not_ready")["detail"])
            assert time.monotonic() - began < hang + 5
            time.sleep(0.005)
        for call in calls:
            problem(call.result(), 503, "worker_lost")
            assert call.result().headers["retry-after"] == "1"
        assert reasons
        assert all("stuck" in reason or "being replaced" in reason for reason in reasons)
        until(lambda: running.client.get("/health/ready").status_code == 200)
        for _ in range(5):
            found = running.client.post("/predict", content=astronaut).raise_for_status().json()
            assert [face["emotion"] for face in found["images"][0]["faces"]] == ["happy"]


def test_too_many_stuck_workers_end_the_process(tmp_path: Path) -> None:
    settings = {"MIEN_WORKER_HANG_SECONDS": "0.5", "MIEN_SHUTDOWN_SECONDS": "3"}
    with server(tmp_path, **settings) as running:
        with ThreadPoolExecutor(4) as pool:
            calls = [pool.submit(httpx.post, f"{running.url}/predict", content=hanging.stuck_picture()) for _ in "1234"]
            assert {call.result(20).status_code for call in calls} == {503}
        assert running.process.wait(timeout=5) == 1
        log = running.log.read_text()
    assert "The process ends itself" in log
    assert "workers are stuck; the service must be started anew" in log


def test_sigterm_ends_a_process_with_stuck_workers_inside_the_bound(tmp_path: Path) -> None:
    with server(tmp_path, MIEN_SHUTDOWN_SECONDS="2") as running, ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(httpx.post, f"{running.url}/predict", content=hanging.stuck_picture()) for _ in range(2)]
        until(lambda: "mien_engine_busy_workers 2.0" in running.client.get("/metrics").text)
        running.client.close()
        began = time.monotonic()
        running.stop()
        assert time.monotonic() - began < 2.5
        for call in calls:
            problem(call.result(), 503, "engine_closed")


def test_sigterm_ends_a_process_with_a_stuck_decoder_inside_the_bound(tmp_path: Path) -> None:
    with server(tmp_path, MIEN_SHUTDOWN_SECONDS="2") as running, ThreadPoolExecutor(1) as pool:
        call = pool.submit(httpx.post, f"{running.url}/predict", content=hanging.stuck_picture(decoding=True))
        until(lambda: "mien_http_requests_in_flight 2.0" in running.client.get("/metrics").text)
        time.sleep(0.2)
        running.client.close()
        began = time.monotonic()
        assert running.stop() == 1
        assert time.monotonic() - began < 2.5
        problem(call.result(), 503, "engine_closed")
        assert "the shutdown took too long" in running.log.read_text()
