"""A decoder that crashes, hangs or allocates without end costs its own request a problem, and nothing else anything."""

import asyncio
import io
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from PIL import Image

from mien.app import create_app
from mien.sandbox.pool import SUPPORTED, DecoderPool
from tests.api.live import picture, problem, serving, settings, state_of, wait_until
from tests.clips import PatchEngine, moving, steps, write_clip
from tests.unit.images.files import portrait, save

pytestmark = pytest.mark.skipif(not SUPPORTED, reason="decoder processes need Linux")

CLIP = {"content-type": "video/mp4"}
FORMATS = {"HEIF": "heic", "AVIF": "avif", "TIFF": "tiff", "GIF": "gif", "BMP": "bmp"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    pool = DecoderPool(["tests.api.failing_decoders"], 16)
    app = create_app(settings(workers=4, data_dir=tmp_path_factory.mktemp("data")), PatchEngine(), decoders=pool)
    with serving(app) as client:
        yield client


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", steps(50), moving(50)).read_bytes()


def bmp(mark: bytes = b"") -> bytes:
    """A picture whose pixels hold ``mark``."""
    file = io.BytesIO()
    Image.frombytes("RGB", (8, 8), bytes(192)).save(file, "BMP")
    content = bytearray(file.getvalue())
    content[60 : 60 + len(mark)] = mark
    return bytes(content)


FAILURES = [
    (b"CRASH", 422, "decoder_failed"),
    (b"ALLOC", 422, "decoder_failed"),
    (b"SPIN!", 503, "deadline_exceeded"),  # after 2 s
    (b"HANG!", 503, "deadline_exceeded"),
]


@pytest.mark.parametrize(("mark", "status", "code"), FAILURES)
def test_its_request_gets_a_problem_the_next_an_answer_and_others_nothing(
    client: httpx.Client, clip: bytes, mark: bytes, status: int, code: str
) -> None:
    deadline = {"deadline_ms": 2000} if code == "deadline_exceeded" else {}
    bad = clip[:40] + mark + clip[45:]
    with ThreadPoolExecutor(20) as threads:
        honest = [threads.submit(client.post, "/analyze-video", content=clip, headers=CLIP) for _ in range(6)]
        pictures = [threads.submit(client.post, "/predict", content=picture()) for _ in range(40)]
        began = time.monotonic()
        failed = threads.submit(client.post, "/analyze-video", params=deadline, content=bad, headers=CLIP)
        problem(failed.result(), status, code)
        assert time.monotonic() - began < 15  # a machine under load
        assert client.post("/analyze-video", content=clip, headers=CLIP).status_code == 200
        assert {answer.result().status_code for answer in (*honest, *pictures)} == {200}


def test_500_requests_in_flight_get_their_answers(clip: bytes) -> None:
    gate = threading.Event()
    pool = DecoderPool(["tests.api.failing_decoders"], 16)
    app = create_app(
        settings(workers=4, queue_capacity=600, picture_deadline_seconds=600), PatchEngine(gate=gate), decoders=pool
    )
    with serving(app, connections=2000) as client, ThreadPoolExecutor(5) as threads:

        async def send_pictures() -> list[httpx.Response]:
            limits = httpx.Limits(max_connections=None)
            async with httpx.AsyncClient(base_url=client.base_url, limits=limits, timeout=60) as many:
                pictures = [bmp() if number % 5 == 0 else picture() for number in range(500)]
                return await asyncio.gather(*(many.post("/predict", content=content) for content in pictures))

        def fail(failure: tuple[bytes, int, str]) -> None:
            mark, status, code = failure
            deadline = {"deadline_ms": 2000} if code == "deadline_exceeded" else {}
            bad = clip[:40] + mark + clip[45:]
            problem(client.post("/analyze-video", params=deadline, content=bad, headers=CLIP), status, code)

        try:
            pictures = threads.submit(asyncio.run, send_pictures())
            wait_until(lambda: state_of(app).gate.admitted == 500, 30)
            list(threads.map(fail, FAILURES))
            assert state_of(app).gate.admitted > 400
        finally:
            gate.set()
        assert client.post("/analyze-video", content=clip, headers=CLIP).status_code == 200
        assert Counter(answer.status_code for answer in pictures.result()) == {200: 500}


def test_a_job_fails_alone(client: httpx.Client, clip: bytes) -> None:
    def job(content: bytes) -> str:
        answer = client.post("/analyze-video", content=content, headers=CLIP, params={"mode": "async"})
        return str(answer.raise_for_status().headers["location"])

    good = [job(clip)]
    # Its header is read before it becomes a job: that already ends the decoder.
    answer = client.post(
        "/analyze-video", content=clip[:40] + b"CRASH" + clip[45:], headers=CLIP, params={"mode": "async"}
    )
    problem(answer, 422, "decoder_failed")
    good.append(job(clip))
    for one in good:
        wait_until(lambda one=one: client.get(one).json()["state"] == "succeeded", 30)


def test_a_picture_that_crashes_its_decoder_leaves_the_others_of_its_request(client: httpx.Client) -> None:
    files = [("file", (name, data)) for name, data in (("bad.bmp", bmp(b"CRASH")), ("good.bmp", bmp()))]
    images = client.post("/predict", files=files).raise_for_status().json()["images"]
    assert images[0]["error"]["code"] == "decoder_failed"
    assert images[1]["error"] is None


@pytest.mark.parametrize("name", FORMATS)
def test_every_rarer_format_is_answered(client: httpx.Client, name: str) -> None:
    answer = client.post("/predict", content=save(portrait(64), name)).raise_for_status().json()
    assert (answer["images"][0]["width"], answer["images"][0]["height"]) == (64, 64)


def test_an_annotated_clip_is_written_elsewhere(client: httpx.Client, clip: bytes) -> None:
    answer = client.post("/analyze-video", content=clip, headers={**CLIP, "accept": "video/mp4"}).raise_for_status()
    assert answer.content[4:8] == b"ftyp"
    assert answer.content.index(b"moov") < answer.content.index(b"mdat")
