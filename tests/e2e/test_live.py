"""``WS /live`` with the real models: numbers that stay, go on in another process, and an end in words."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.api.camera import camera, end_of, opened, reply, shown
from tests.api.live import connection_to
from tests.api.test_live_abuse import HANDSHAKE, masked
from tests.e2e.server import Server
from tests.group import astronaut_head

REPLICA = {"MIEN_SECRET": "the same on every replica", "MIEN_LIVE_FPS": "240"}


@pytest.fixture(scope="module")
def replica(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Another process, with the secret of every replica."""
    with Server(tmp_path_factory.mktemp("replica"), REPLICA) as server:
        yield server


def walk(count: int, start: int = 0) -> list[bytes]:
    """640 x 480: two astronauts; the one on the left moves to the right by 5 pixels per frame."""
    head = astronaut_head().picture
    frames = []
    for k in range(start, start + count):
        frame = np.full((480, 640, 3), 120, np.uint8)
        frame[10 : 10 + head.shape[0], 5 * k : 5 * k + head.shape[1]] = head
        small = cv2.resize(head, None, fx=0.6, fy=0.6)
        frame[300 : 300 + small.shape[0], 400 : 400 + small.shape[1]] = small
        frames.append(cv2.imencode(".jpg", frame, (cv2.IMWRITE_JPEG_QUALITY, 85))[1].tobytes())
    return frames


def paced(live: ClientConnection, frames: list[bytes], seconds: float = 1 / 20) -> list[dict[str, Any]]:
    replies = []
    for frame in frames:
        replies += shown(live, frame)
        time.sleep(seconds)
    return replies


def left_to_right(found: dict[str, Any]) -> list[int]:
    """The persons' numbers: the walker's, whose face is larger, and the other's."""
    return [face["person"] for face in sorted(found["faces"], key=lambda face: -face["box"]["width"])]


def test_people_keep_their_numbers(server: Server) -> None:
    with camera(server.client) as live:
        start = opened(live, smoothing="none")
        found = paced(live, walk(30))
    assert start["models"].keys() == {"emotion", "face-detector"}
    assert [left_to_right(one) for one in found] == [[1, 2]] * 30
    walker = [max(one["faces"], key=lambda face: face["box"]["width"]) for one in found]
    assert {face["emotion"] for face in walker} == {"happy"}
    assert walker[29]["box"]["x"] - walker[0]["box"]["x"] > 120
    picture = server.client.post("/predict", content=walk(1)[0]).raise_for_status().json()["images"][0]
    assert len(picture["faces"]) == 2


def test_the_numbers_go_on_in_another_process(replica: Server, server: Server, tmp_path: Path) -> None:
    with Server(tmp_path, REPLICA) as first, camera(first.client) as live:
        opened(live)
        found = paced(live, walk(10))
        assert left_to_right(found[-1]) == [1, 2]
        first.process.terminate()
        close, (end,) = end_of(live)
        assert (close, end["type"]) == (1001, "end")
    state: str = end["person_state"]
    with camera(replica.client) as live:
        start = opened(live, person_state=state)
        assert start["continued"] is True
        went_on = paced(live, walk(5, start=11))
    with camera(replica.client) as live:
        opened(live, person_state=state)
        elsewhere = paced(live, [flipped(frame) for frame in walk(2)])
    assert [left_to_right(one) for one in went_on] == [[1, 2]] * 5
    assert max(left_to_right(elsewhere[-1])) > 2
    for other, text in ((replica, state[:-4] + "AAAA"), (replica, "A" + state[1:]), (server, state)):
        with camera(other.client) as live:
            live.send(json.dumps({"person_state": text}))
            close, (error,) = end_of(live)
        assert (close, error["field"]) == (1008, "person_state")
        assert "MIEN_SECRET" in error["detail"]


def flipped(frame: bytes) -> bytes:
    pixels = cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_COLOR)
    return cv2.imencode(".jpg", cv2.flip(pixels, 1))[1].tobytes()


def test_four_connections_share_fairly_and_pictures_are_answered(replica: Server) -> None:
    frames = walk(10)
    answered = [0, 0, 0, 0]
    end = time.monotonic() + 3

    def show(number: int) -> None:
        with camera(replica.client) as live:
            opened(live)
            for frame in frames * 1000:
                live.send(frame)
                answered[number] += not reply(live)["dropped"]
                if time.monotonic() > end:
                    return

    threads = [threading.Thread(target=show, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    slowest = 0.0
    while time.monotonic() < end - 0.5:
        picture = replica.client.post("/predict", content=frames[0]).raise_for_status()
        slowest = max(slowest, picture.elapsed.total_seconds())
    for thread in threads:
        thread.join()
    assert min(answered) > 0.7 * max(answered) > 5
    assert slowest < 1.0


def test_slow_readers_take_no_memory(replica: Server) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    # The replies to a thousand texts fill every buffer on the way to the client.
    traffic = masked(b"x", 0x81) * 1000 + masked(cv2.imencode(".png", noise)[1].tobytes())  # 0.9 MB
    with camera(replica.client) as live:
        paced(live, walk(10), 0)
    process = psutil.Process(replica.process.pid)
    before = process.memory_info().rss
    with ExitStack() as stack:
        sent = [0] * 4
        connections = [stack.enter_context(connection_to(replica.client, 4096)) for _ in sent]
        for connection in connections:
            connection.sendall(HANDSHAKE + b"\r\n" + masked(b"{}", 0x81))
            connection.settimeout(0.1)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            for number, connection in enumerate(connections):
                with suppress(TimeoutError):
                    sent[number] += connection.send(traffic[sent[number] % len(traffic) :])
        grown = process.memory_info().rss - before
        metrics = httpx.get(f"{replica.url}/metrics", timeout=5).raise_for_status().text
        assert "mien_live_connections 4.0" in metrics
    assert max(sent) < 60 << 20  # it was not read any more
    assert grown < 60 << 20


def test_sigterm_in_the_middle_of_frames(tmp_path: Path) -> None:
    frames = walk(5)
    with Server(tmp_path, REPLICA) as server, camera(server.client) as live:
        opened(live)

        def send() -> None:
            with suppress(ConnectionClosed):
                for frame in frames * 200:
                    live.send(frame)
                    time.sleep(0.002)

        sender = threading.Thread(target=send)
        sender.start()
        first = [reply(live) for _ in range(30)]
        started = time.monotonic()
        server.process.terminate()
        close, rest = end_of(live)
        assert server.process.wait(timeout=10) == 0
        assert time.monotonic() - started < 5
        sender.join()
        log = server.log.read_text()
    assert close == 1001
    assert rest[-1]["type"] == "end"
    assert [one["frame"] for one in [*first, *rest[:-1]]] == list(range(29 + len(rest)))
    assert "Traceback" not in log
    assert '"answered"' in log
