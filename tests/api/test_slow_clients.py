"""A client that stops reading is disconnected, and clips take no threads from pictures."""

import json
import logging
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import pytest

from mien.app import create_app
from mien.domain import NEVER_CANCELLED, AnalyzeOptions, Cancellation, Frame, FrameResult
from tests.api.live import (
    connection_to,
    everything_from,
    picture,
    post_head,
    serving,
    settings,
    state_of,
    wait_until,
)
from tests.clips import moving, steps, write_clip
from tests.fakes import FakeEngine

PNG = picture()
IDLE = 0.5
HEAD = "Content-Type: video/mp4\r\nAccept: application/x-ndjson\r\n"
PATH = "/analyze-video?fps=native"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", steps(400), moving(400)).read_bytes()


class ClipsWait(FakeEngine):
    """Pictures (64 pixels wide) are answered at once, clips when ``release`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.release = threading.Event()

    def analyze(
        self, frames: Iterable[Frame], options: AnalyzeOptions, cancellation: Cancellation = NEVER_CANCELLED
    ) -> Iterator[FrameResult]:
        for frame in frames:
            if frame.width != 64:
                self.release.wait(10)
            yield self._result(frame, options)


def lines_of(answer: bytes) -> list[bytes]:
    return [line for line in answer.split(b"\r\n") if line.startswith(b"{")]


def test_a_client_that_stops_reading_is_disconnected(
    clip: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = FakeEngine(faces=20)
    app = create_app(settings(workers=1, upload_idle_seconds=IDLE, spool_dir=tmp_path), engine)
    gate = state_of(app).clip_gate
    with serving(app, send_buffer=4096) as client, ExitStack() as stack:
        stalled = [stack.enter_context(connection_to(client, receive_buffer=4096)) for _ in range(3)]
        for connection in stalled:
            connection.sendall(post_head(len(clip), HEAD, PATH) + clip)
        wait_until(lambda: engine.seen > 0)
        wait_until(lambda: gate.admitted == 0)  # the work needs no reader
        for _ in range(5):  # while they hold what they can
            client.post("/predict", content=PNG, timeout=2).raise_for_status()
        assert engine._calls == 0
        wait_until(lambda: not list(tmp_path.iterdir()))
        records = [record for record in caplog.records if "stopped reading" in record.getMessage()]
        assert len(records) == 3
        assert {record.levelno for record in records} == {logging.WARNING}
        assert {record.__dict__["fields"]["route"] for record in records} == {"/analyze-video"}
        for connection in stalled:
            answer = everything_from(connection)  # ends: the server has closed the connection
            assert json.loads(lines_of(answer)[0].splitlines()[0])["type"] == "start"
            assert not answer.endswith(b"0\r\n\r\n")  # and the reader can tell that something is missing


def test_a_slow_client_gets_the_whole_response(clip: bytes) -> None:
    app = create_app(settings(workers=1, upload_idle_seconds=IDLE), FakeEngine(faces=8))
    with serving(app, send_buffer=4096) as client, connection_to(client, receive_buffer=4096) as connection:
        connection.sendall(post_head(len(clip), HEAD + "Connection: close\r\n", PATH) + clip)
        started = time.monotonic()
        answer = slowly(connection, IDLE / 5)
        assert time.monotonic() - started > 2 * IDLE
    assert answer.endswith(b"0\r\n\r\n")
    assert b'"type":"end"' in answer


def test_a_client_that_reads_too_slowly_is_disconnected(clip: bytes, caplog: pytest.LogCaptureFixture) -> None:
    # It never stops for as long as IDLE, and would hold a thread and the clip's memory for minutes.
    idle = 4.0
    app = create_app(settings(workers=1, upload_idle_seconds=idle), FakeEngine(faces=20))
    with serving(app, send_buffer=4096) as client, connection_to(client, receive_buffer=4096) as connection:
        connection.sendall(post_head(len(clip), HEAD, PATH) + clip)
        gate = state_of(app).clip_gate
        started = time.monotonic()
        while not (records := [record for record in caplog.records if "stopped reading" in record.getMessage()]):
            connection.recv(20)
            time.sleep(0.05)
            assert time.monotonic() - started < 5 * idle, "never cut off"
        assert time.monotonic() - started > idle / 2
        assert len(records) == 1
        wait_until(lambda: gate.admitted == 0)
    assert not [record for record in caplog.records if "stopped in mid-request" in record.getMessage()]


def slowly(connection: socket.socket, pause: float) -> bytes:
    """All that comes, with a pause each time that enough has come for the server to go on."""
    received, since = bytearray(), 0
    while part := connection.recv(65536):
        received += part
        since += len(part)
        if since > 60_000:
            time.sleep(pause)
            since = 0
    return bytes(received)


def test_clips_leave_the_pictures_their_threads(clip: bytes) -> None:
    engine = ClipsWait()
    app = create_app(settings(workers=1, queue_capacity=50), engine)
    gate = state_of(app).clip_gate
    with serving(app) as client, ThreadPoolExecutor(12) as pool:
        headers = {"content-type": "video/mp4"}
        try:
            clips = [pool.submit(client.post, "/analyze-video", content=clip, headers=headers) for _ in range(12)]
            wait_until(lambda: gate.admitted == 12)
            started = time.monotonic()
            client.post("/predict", content=PNG).raise_for_status()
            assert time.monotonic() - started < 2
            assert gate.admitted == 12
        finally:
            engine.release.set()
        assert {future.result().status_code for future in clips} == {200}


def test_a_file_that_is_not_read_is_removed(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    app = create_app(settings(workers=1, upload_idle_seconds=IDLE, spool_dir=tmp_path), FakeEngine())
    noise = np.random.default_rng(0).integers(0, 255, (20, 240, 320, 3), np.uint8)
    clip = write_clip(tmp_path_factory.mktemp("clips") / "noise.mp4", steps(20), noise).read_bytes()
    head = "Content-Type: video/mp4\r\nAccept: video/mp4\r\n"
    with serving(app, send_buffer=4096) as client, connection_to(client, receive_buffer=4096) as connection:
        connection.sendall(post_head(len(clip), head, PATH) + clip)
        head_sent = connection.recv(1000)
        assert head_sent.startswith(b"HTTP/1.1 200")
        assert list(tmp_path.rglob("annotated.mp4"))
        wait_until(lambda: not list(tmp_path.iterdir()))
        (declared,) = re.findall(rb"content-length: (\d+)", head_sent)
        assert len(everything_from(connection)) < int(declared)


def test_a_slow_client_of_a_long_answer_holds_neither_a_thread_nor_the_clip(clip: bytes, tmp_path: Path) -> None:
    app = create_app(settings(workers=1, spool_dir=tmp_path, spool_memory_bytes=4096), FakeEngine(faces=20))
    gate = state_of(app).clip_gate
    head = "Content-Type: video/mp4\r\nConnection: close\r\n"
    with serving(app, send_buffer=4096) as client, ExitStack() as stack:
        readers = [stack.enter_context(connection_to(client, receive_buffer=4096)) for _ in range(3)]
        for reader in readers:
            reader.sendall(post_head(len(clip), head, PATH) + clip)
        begun = [reader.recv(20) for reader in readers]
        assert begun == [b"HTTP/1.1 200 OK\r\ndat"] * 3
        wait_until(lambda: gate.admitted == 0)
        wait_until(lambda: not list(tmp_path.iterdir()))
        for reader in readers:
            _, _, body = everything_from(reader).partition(b"\r\n\r\n")
            assert len(json.loads(body)["timeline"]) == 400


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="what a process holds open is told by Linux only")
def test_a_long_answer_is_removed_when_its_client_stops_reading(clip: bytes, tmp_path: Path) -> None:
    def held() -> list[str]:
        found = []
        for link in Path("/proc/self/fd").iterdir():
            with suppress(OSError):
                found.append(str(link.readlink()))
        return [name for name in found if name.startswith(str(tmp_path))]

    chosen = settings(workers=1, upload_idle_seconds=IDLE, spool_dir=tmp_path, spool_memory_bytes=4096)
    app = create_app(chosen, FakeEngine(faces=20))
    with serving(app, send_buffer=4096) as client, connection_to(client, receive_buffer=4096) as connection:
        connection.sendall(post_head(len(clip), "Content-Type: video/mp4\r\n", PATH) + clip)
        head_sent = connection.recv(1000)
        assert head_sent.startswith(b"HTTP/1.1 200")
        wait_until(lambda: not held())
        (declared,) = re.findall(rb"content-length: (\d+)", head_sent)
        assert len(everything_from(connection)) < int(declared)
