"""Files on which the service once failed, sent to a server of their own.

They are not part of the project; where they are absent, unit tests with synthetic files of the same kind remain.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.e2e.server import Server

CASES = Path(__file__).parents[3] / "shared" / "cases"
GIB = 1 << 30

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is not here")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("cases")) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> httpx.Client:
    return server.client


def send_clip(client: httpx.Client, name: str, **query: Any) -> httpx.Response:
    return client.post("/analyze-video", content=(CASES / name).read_bytes(), params=query, timeout=60)


def send_picture(client: httpx.Client, name: str, **query: Any) -> httpx.Response:
    return client.post("/predict", content=(CASES / name).read_bytes(), params=query, timeout=60)


def is_refused(answer: httpx.Response) -> bool:
    problem = answer.json()
    return answer.status_code in (413, 415, 422) and problem["code"] in (
        "unsupported_media",
        "corrupt_media",
        "too_large",
        "no_video_stream",
    )


@pytest.mark.parametrize("name", ["bayer.mkv", "rgb4.mkv"])
def test_pixel_formats_that_cannot_be_converted_are_refused(client: httpx.Client, name: str) -> None:
    assert is_refused(send_clip(client, name))
    assert client.get("/health/live").status_code == 200


def test_a_bottom_up_clip_is_read(client: httpx.Client) -> None:
    body = send_clip(client, "raw.avi", fps="native").raise_for_status().json()
    assert body["video"]["frames_analyzed"] >= 1


def test_a_joined_recording_is_read_to_its_end(client: httpx.Client) -> None:
    body = send_clip(client, "joined_mediarecorder.webm").raise_for_status().json()
    video = body["video"]
    assert body["timeline"][-1]["time"] <= video["duration"]
    assert video["duration"] == pytest.approx(9.2, abs=0.05)


def test_an_animated_webp_is_read_or_named_in_the_refusal(client: httpx.Client) -> None:
    answer = send_clip(client, "anim.webp")
    if answer.status_code != 200:
        assert is_refused(answer)
        assert "WebP" in answer.json()["detail"]


def test_a_truncated_picture_is_answered_with_a_warning(client: httpx.Client) -> None:
    (image,) = send_picture(client, "cut_tail_1pct.jpg").raise_for_status().json()["images"]
    assert image["faces"]
    assert "%" in image["warnings"][0]


def test_a_blurred_face_is_uncertain(client: httpx.Client) -> None:
    (image,) = send_picture(client, "motion_blur_21px.jpg", detector="accurate").raise_for_status().json()["images"]
    assert image["faces"]
    for face in image["faces"]:
        assert face["uncertain"] or "blurred" in face["quality"]["reasons"]


@pytest.mark.parametrize("name", ["deadlock-60000.avi", "hang-4638.avi"])
def test_corrupt_frames_do_not_hang_the_decoder(client: httpx.Client, name: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: send_clip(client, name), range(100)))
    assert {answer.status_code for answer in answers} <= {200, 415, 422}
    assert client.get("/health/live", timeout=2).status_code == 200


def test_large_dimensions_in_a_header_allocate_no_memory(server: Server, client: httpx.Client) -> None:
    process = psutil.Process(server.process.pid)
    with PeakMemory(process) as peak:
        assert is_refused(send_clip(client, "mp4_4x80000000.mp4"))
    assert peak.bytes < 1 * GIB


def test_a_huge_animation_meets_the_deadline(client: httpx.Client) -> None:
    before = time.monotonic()
    answer = send_clip(client, "gif_10k_frames_5999px.gif", deadline_ms=3000)
    assert answer.status_code == 503 or is_refused(answer)
    assert time.monotonic() - before < 6


@pytest.mark.parametrize("name", ["webp_64mp_alpha.webp", "bmp_rle8_eol_64mp.bmp"])
def test_ordinary_pictures_are_answered_beside_expensive_ones(client: httpx.Client, name: str) -> None:
    ordinary = CASES / "puppies.jpg"
    done = threading.Event()

    def send_expensive() -> list[int]:
        statuses = []
        while not done.is_set():
            statuses.append(send_picture(client, name, deadline_ms=5000).status_code)
        return statuses

    with ThreadPoolExecutor(12) as pool:
        running = [pool.submit(send_expensive) for _ in range(12)]
        try:
            times = []
            for _ in range(10):
                before = time.monotonic()
                client.post("/predict", content=ordinary.read_bytes(), timeout=30).raise_for_status()
                times.append(time.monotonic() - before)
        finally:
            done.set()
    assert all(not future.exception() for future in running)
    assert sorted(times)[5] < 1


class PeakMemory:
    """The largest resident size of a process while the block runs, sampled every 10 ms."""

    def __init__(self, process: psutil.Process) -> None:
        self.bytes = 0
        self._process = process
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.01):
            self.bytes = max(self.bytes, self._process.memory_info().rss)
