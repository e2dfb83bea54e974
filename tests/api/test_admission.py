"""Uploads are counted and bounded, stored in files, and release their slot however they end."""

import base64
import json
import os
import select
import socket
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from mien.app import create_app
from tests.api.live import (
    connection_to,
    everything_from,
    picture,
    post_head,
    problem,
    serving,
    serving_fake,
    serving_held,
    settings,
    state_of,
    wait_until,
)
from tests.fakes import FakeEngine

PNG = picture()
JSON = "Content-Type: application/json\r\n"
CLIP = "Content-Type: video/mp4\r\n"


def nameless_bytes() -> int:
    """What this process keeps in files without a name."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found.append(os.stat(descriptor))  # noqa: PTH116
        except OSError:
            continue
    return sum(one.st_size for one in found if stat.S_ISREG(one.st_mode) and one.st_nlink == 0)


@pytest.mark.parametrize(
    ("path", "kind", "limit"),
    [("/predict", JSON, "gate"), ("/predict", "", "gate"), ("/analyze-video", CLIP, "clip_gate")],
)
def test_concurrent_uploads_are_bounded(path: str, kind: str, limit: str) -> None:
    app = create_app(settings(queue_capacity=2), FakeEngine())
    gate = getattr(state_of(app), limit)
    with serving(app) as client, ExitStack() as stack:
        slow = [stack.enter_context(connection_to(client)) for _ in range(2)]
        for connection in slow:
            connection.sendall(post_head(19_000_000, kind, path) + b"x" * 1000)
        wait_until(lambda: gate.uploading == 2)
        time.sleep(0.1)
        # They are no reason to refuse another: one of them makes room.
        assert client.post(path, content=PNG, headers=headers(kind)).status_code != 429
        assert gate.uploading == 1
        (ended,) = select.select(slow, [], [], 5)[0]
        assert ended.recv(65536).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(("path", "kind", "limit"), [("/predict", "", "gate"), ("/analyze-video", CLIP, "clip_gate")])
def test_fast_uploads_keep_their_slots(path: str, kind: str, limit: str) -> None:
    app = create_app(settings(queue_capacity=2), FakeEngine())
    gate = getattr(state_of(app), limit)
    with serving(app) as client, ExitStack() as stack:
        fast = [stack.enter_context(connection_to(client)) for _ in range(2)]
        for connection in fast:
            connection.sendall(post_head(19_000_000, kind, path) + b"x" * 60_000)
        wait_until(lambda: gate.uploading == 2)
        for _ in range(5):
            refused = client.post(path, content=PNG, headers=headers(kind))
            problem(refused, 429, "overloaded")
            assert int(refused.headers["retry-after"]) >= 1
        assert gate.uploading == 2
        fast.pop().close()
        wait_until(lambda: gate.uploading == 1)
        assert client.post(path, content=PNG, headers=headers(kind)).status_code != 429
        assert gate.uploading == 1


def headers(kind: str) -> dict[str, str]:
    return {"content-type": kind.partition(": ")[2].strip()} if kind else {}


def has_ended(connection: socket.socket) -> bool:
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@pytest.mark.parametrize("slow", [64, 128])
def test_pictures_are_answered_beside_any_number_of_slow_uploads(slow: int) -> None:
    app = create_app(settings(workers=1), FakeEngine())
    gate = state_of(app).gate
    with serving(app) as client, ExitStack() as stack:
        head = post_head(60_000_000)

        def begun() -> socket.socket:
            connection = stack.enter_context(connection_to(client))
            connection.sendall(head + b"x" * 100)
            connection.setblocking(False)
            return connection

        uploads = [begun() for _ in range(slow)]
        wait_until(lambda: gate.uploading == 64)
        statuses, slowest = [], 0.0
        for _ in range(20):
            statuses.append(client.post("/predict", content=PNG).status_code)
            began = time.monotonic()
            httpx.get(f"{client.base_url}/health/live").raise_for_status()
            slowest = max(slowest, time.monotonic() - began)
            uploads = [begun() if has_ended(one) else one for one in uploads]  # they come back at once
            for connection in uploads:
                with suppress(OSError):
                    connection.send(b"x" * 50)
            time.sleep(0.05)
        assert statuses == [200] * 20
        assert slowest < 1


def test_a_full_gate_refuses_before_the_upload() -> None:
    with serving_held(queue_capacity=1) as (client, state, gate), ThreadPoolExecutor(1) as pool:
        running = pool.submit(client.post, "/predict", content=PNG)
        wait_until(lambda: state.gate.admitted == 1)
        with connection_to(client) as connection:
            connection.sendall(post_head(1000, "Expect: 100-continue\r\n"))
            answer = everything_from(connection)
        assert answer.startswith(b"HTTP/1.1 429")
        gate.set()
        running.result().raise_for_status()


def test_many_small_uploads_at_once_are_all_answered() -> None:
    with serving_fake(FakeEngine(), queue_capacity=16) as client, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client.post("/predict", content=PNG).status_code, range(100)))
    assert set(answers) == {200}


def test_a_stalled_or_trickling_upload_releases_its_slot() -> None:
    app = create_app(settings(queue_capacity=1, upload_idle_seconds=0.4), FakeEngine())
    gate = state_of(app).gate
    with serving(app) as client:
        with connection_to(client) as connection:
            connection.sendall(post_head(1000) + b"x")
            assert connection.recv(65536).startswith(b"HTTP/1.1 408")
            wait_until(lambda: gate.uploading == 0)  # at once, whether or not the client goes
        with connection_to(client) as connection:
            connection.sendall(post_head(1000))
            assert dripped(connection) < 30
            assert connection.recv(65536).startswith(b"HTTP/1.1 408")
            wait_until(lambda: gate.uploading == 0)
        client.post("/predict", content=PNG).raise_for_status()


def dripped(connection: socket.socket) -> int:
    """How many bytes, one every 50 ms, the server waits for before it answers."""
    connection.settimeout(0.05)
    for count in range(100):
        connection.send(b"x")
        try:
            if connection.recv(1, socket.MSG_PEEK):
                connection.settimeout(5)
                return count
        except TimeoutError:
            continue
    return 100


def test_a_steady_upload_may_take_longer_than_the_idle_limit() -> None:
    body = PNG + bytes(40_000)
    with serving_fake(upload_idle_seconds=0.4) as client, connection_to(client) as connection:
        connection.sendall(post_head(len(body), "Connection: close\r\n"))
        started = time.monotonic()
        for start in range(0, len(body), 1000):
            connection.sendall(body[start : start + 1000])
            time.sleep(0.02)
        assert time.monotonic() - started > 0.6
        assert everything_from(connection).startswith(b"HTTP/1.1 200")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at the process's own files")
def test_a_large_json_body_waits_in_a_file() -> None:
    body = json.dumps({"images": [base64.b64encode(PNG).decode() + " " * 5_000_000]}).encode()
    app = create_app(settings(spool_memory_bytes=1 << 20), FakeEngine())
    gate = state_of(app).gate
    with serving(app) as client, connection_to(client) as connection:
        before = nameless_bytes()
        connection.sendall(post_head(len(body), JSON + "Connection: close\r\n") + body[:-1])
        wait_until(lambda: nameless_bytes() - before > 4_900_000)
        assert gate.uploading == 1
        connection.sendall(body[-1:])
        answer = everything_from(connection)
        wait_until(lambda: nameless_bytes() == before)
    assert answer.startswith(b"HTTP/1.1 200")


def test_unusable_json_releases_its_slot() -> None:
    app = create_app(settings(queue_capacity=1), FakeEngine())
    state = state_of(app)
    with serving(app) as client:
        for _ in range(3):
            problem(client.post("/predict", json={"images": []}), 400, "invalid_field")
        assert (state.gate.uploading, state.gate.admitted) == (0, 0)
        assert httpx.post(f"{client.base_url}/predict", content=PNG).status_code == 200
