"""The clients against a server that is busy, breaks off, and has jobs, as the contract has them."""

import asyncio
import time
from typing import Any

import pytest

from mien.client.asynchronous import AsyncClient
from mien.client.errors import JobFailed, RequestRefused, ServerBusy, ServerError, ServerUnreachable
from mien.client.sync import Client
from mien.errors import CapacityError, InputError
from tests.unit.client.scripted import Answer, ScriptedServer

IMAGE = {"index": 0, "name": "picture", "width": 4, "height": 3, "warnings": [], "faces": [], "error": None}
PICTURES = Answer(200, {"request_id": "r", "images": [IMAGE], "models": {}, "timing_ms": {}})
CLIP = {
    "request_id": "r",
    "video": {
        "duration": 1.0,
        "width": 4,
        "height": 3,
        "frames_decoded": 1,
        "frames_analyzed": 1,
        "rotation": 0,
        "codec": "h264",
        "warnings": [],
    },
    "timeline": [{"time": 0.0, "frame": 0, "faces": []}],
    "people": [],
    "summary": {"dominant": None, "share": {}, "faces_per_frame": {"mean": 0.0, "max": 0}},
    "models": {"emotion": "2"},
    "timing_ms": {"total": 1.0},
}
BUSY = {"status": 429, "code": "overloaded", "detail": "The queue is full.", "request_id": "abc"}
ACCEPTED = Answer(202, {"id": "7"}, {"Location": "/jobs/7"})


def job(state: str, **members: Any) -> Answer:
    return Answer(200, {"id": "7", "state": state, "progress": 0.5, "eta_seconds": 3, **members})


def test_a_busy_server_is_asked_again_after_the_time_it_names() -> None:
    with ScriptedServer(Answer(429, BUSY, {"Retry-After": "1"}), PICTURES) as server, Client(server.url) as client:
        before = time.monotonic()
        assert client.analyze(b"pixels").width == 4
        assert 1 <= time.monotonic() - before < 2
    first, second = server.received
    assert first.body.count(b"pixels") == second.body.count(b"pixels") == 1
    assert first.path == "/predict"


def test_the_error_of_a_server_that_stays_busy_carries_its_words() -> None:
    answers = [Answer(429, BUSY, {"Retry-After": "0"})] * 2
    with (
        ScriptedServer(*answers) as server,
        Client(server.url, attempts=2) as client,
        pytest.raises(ServerBusy, match="The queue is full") as caught,
    ):
        client.analyze(b"pixels")
    error = caught.value
    assert isinstance(error, CapacityError)
    assert (error.code, error.status, error.request_id, error.retry_after) == ("overloaded", 429, "abc", 0.0)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "unauthorized", RequestRefused),
        (413, "too_large", RequestRefused),
        (415, "unsupported_media", RequestRefused),
        (500, "internal_error", ServerError),
        (503, "deadline_exceeded", ServerBusy),
    ],
)
def test_what_would_fail_again_is_not_sent_again(status: int, code: str, kind: type[ServerError]) -> None:
    answer = Answer(
        status, {"status": status, "code": code, "detail": "No."}, {"X-Request-ID": "x", "Retry-After": "1"}
    )
    with (
        ScriptedServer(answer) as server,
        Client(server.url, key="secret") as client,
        pytest.raises(kind) as caught,
    ):
        client.analyze(b"pixels")
    assert (caught.value.code, caught.value.status, caught.value.request_id) == (code, status, "x")
    assert isinstance(caught.value, InputError) == (kind is RequestRefused)
    assert server.received[0].headers["Authorization"] == "Bearer secret"


def test_a_server_that_is_not_mien_is_named() -> None:
    with ScriptedServer(Answer(200, "<html>"), Answer(404, "nothing here")) as server, Client(server.url) as client:
        with pytest.raises(ServerError, match="not Mien's JSON"):
            client.analyze(b"pixels")
        with pytest.raises(RequestRefused, match="answered 404 Not Found: nothing here"):
            client.analyze(b"pixels")


def test_a_server_that_is_down_or_silent() -> None:
    with ScriptedServer() as server:
        url = server.url
    with Client(url, attempts=2) as client, pytest.raises(ServerUnreachable, match="is the server running"):
        client.analyze(b"pixels")
    with (
        ScriptedServer(Answer(None, "")) as server,
        Client(server.url, attempts=1) as client,
        pytest.raises(ServerUnreachable),
    ):
        client.analyze(b"pixels")


def test_frames_end_with_an_error_if_the_stream_does() -> None:
    frame = '{"type":"frame","time":0.0,"frame":0,"faces":[]}\n'
    failed = '{"type":"error","status":413,"code":"too_large","detail":"Too many rows."}\n'
    answers = [Answer(200, frame * 2 + '{"type":"end"}\n'), Answer(200, frame), Answer(200, frame + failed)]
    with ScriptedServer(*answers, Answer(None, frame)) as server, Client(server.url) as client:
        assert len(list(client.frames(b"clip"))) == 2
        for kind, words in (
            (ServerError, "broke off"),
            (RequestRefused, "Too many rows"),
            (ServerUnreachable, "cannot be reached"),
        ):
            frames = client.frames(b"clip")
            assert next(frames).frame == 0
            with pytest.raises(kind, match=words):
                next(frames)
    assert server.received[0].headers["Accept"] == "application/x-ndjson"


def test_a_job_is_submitted_once_and_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    busy = Answer(429, BUSY, {"Retry-After": "0"})
    script = (busy, ACCEPTED, job("queued"), job("running"), job("succeeded"), Answer(200, CLIP), Answer(204, ""))
    with ScriptedServer(*script) as server, Client(server.url, fps=2) as client:
        submitted = client.submit(b"clip", end=3)
        assert (submitted.id, submitted.path) == ("7", "/jobs/7")
        result = submitted.wait(10, progress=True)
        assert result.to_dict() == CLIP
        submitted.cancel()
    first, second, *rest = server.received
    assert first.path == "/analyze-video?fps=2&end=3&mode=async"
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert [f"{one.method} {one.path}" for one in rest] == [
        *["GET /jobs/7"] * 3,
        "GET /jobs/7/result",
        "DELETE /jobs/7",
    ]
    capsys.readouterr()


def test_a_job_that_fails_or_takes_too_long() -> None:
    failed = job("failed", error={"code": "corrupt_media", "detail": "The clip is broken."})
    script = (ACCEPTED, job("running"), failed, ACCEPTED, job("running"), ACCEPTED, job("cancelled"))
    with ScriptedServer(*script) as server, Client(server.url) as client:
        first = client.submit(b"clip")
        state = first.state()
        assert (state.progress, state.eta, state.ended) == (0.5, 3.0, False)
        with pytest.raises(JobFailed, match="The clip is broken") as caught:
            first.wait()
        assert caught.value.code == "corrupt_media"
        with pytest.raises(ServerUnreachable, match="it goes on"):
            client.submit(b"clip").wait(timeout=0)
        with pytest.raises(JobFailed, match="cancelled"):
            client.submit(b"clip").wait()


def test_a_clip_that_the_server_makes_a_job_of_is_waited_for() -> None:
    script = [ACCEPTED, job("succeeded"), Answer(200, CLIP), ACCEPTED, *[job("running")] * 50]
    with ScriptedServer(*script) as server, Client(server.url) as client:
        assert client.analyze_video(b"clip").request_id == "r"
        with Client(server.url, timeout=1) as hasty, pytest.raises(ServerUnreachable, match="it goes on"):
            hasty.analyze_video(b"clip")
    with (
        ScriptedServer(Answer(200, CLIP)) as server,
        Client(server.url) as client,
        pytest.raises(ServerError, match="without a job"),
    ):
        client.submit(b"clip")


def test_the_same_without_blocking_the_event_loop() -> None:
    busy = Answer(429, BUSY, {"Retry-After": "1"})
    script = [busy, ACCEPTED, job("running"), job("succeeded"), Answer(200, CLIP), Answer(200, "gone")]

    async def go(url: str) -> None:
        async with AsyncClient(url) as client:
            beats: list[float] = []
            beating = asyncio.create_task(beat(beats))
            submitted = await client.submit(b"clip")
            assert (await submitted.wait(10)).to_dict() == CLIP
            beating.cancel()
            assert len(beats) > 10
            with pytest.raises(ServerError, match="not Mien's JSON"):
                await client.analyze(b"pixels")

    with ScriptedServer(*script) as server:
        asyncio.run(go(server.url))


async def beat(beats: list[float]) -> None:
    while True:
        beats.append(time.monotonic())
        await asyncio.sleep(0.05)
