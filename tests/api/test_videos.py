"""Every form in which a clip is answered, and what is refused."""

import csv
import io
import json
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, cast

import av
import cv2
import httpx
import numpy as np
import pytest
from PIL import Image

from mien.api.schemas import AnalyzeVideoOut
from mien.errors import DeadlineExceeded, InferenceFailed, MienError
from tests.api.live import problem, serving_fake, serving_held, wait_until
from tests.clips import PatchEngine, Recipe, moving, scene, steps, write_clip, write_tone
from tests.fakes import FakeEngine

MP4 = {"content-type": "video/mp4"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds at 25 fps: a face for one, then none. With sound."""
    pictures = [*moving(25), *[scene(160, 120)] * 25]
    path = write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", steps(50), pictures, Recipe(sound="aac"))
    return path.read_bytes()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with serving_fake(PatchEngine()) as client:
        yield client


def test_json_is_shaped_as_the_openapi_page_says(client: httpx.Client, clip: bytes) -> None:
    answer = client.post("/analyze-video", files={"file": ("clip.mp4", clip)}).raise_for_status()
    body = AnalyzeVideoOut.model_validate_json(answer.content, strict=True)
    assert body.request_id == answer.headers["x-request-id"]
    assert (body.video.width, body.video.height, body.video.frames_decoded, body.video.frames_analyzed) == (
        *(160, 120),
        *(50, 10),
    )
    assert body.video.model_dump(include={"duration", "codec", "rotation", "warnings"}) == {
        "duration": 2.0,
        "codec": "h264",
        "rotation": 0,
        "warnings": [],
    }
    assert [(frame.time, frame.frame, len(frame.faces)) for frame in body.timeline] == [
        (round(k / 5, 3), 5 * k, int(k < 5)) for k in range(10)
    ]
    (person,) = body.people
    assert (person.person, person.first_seen, person.last_seen, person.screen_time) == (1, 0.0, 0.8, 1.0)
    assert body.summary.dominant == person.dominant == "happy"
    assert body.summary.faces_per_frame.max == 1
    assert body.models == {"emotion": "1", "face-detector": "1"}


def test_the_same_clip_gives_the_same_bytes(client: httpx.Client, clip: bytes) -> None:
    answers = []
    for _ in range(3):
        body = client.post("/analyze-video", content=clip, headers=MP4).raise_for_status().json()
        answers.append(json.dumps({k: v for k, v in body.items() if k not in ("request_id", "timing_ms")}))
    assert len(set(answers)) == 1


@pytest.mark.parametrize(
    ("query", "frames"),
    [
        ({"fps": "native"}, 50),
        ({"fps": 10}, 20),
        ({"fps": 10, "start": 1}, 10),
        ({"fps": 10, "start": 0.5, "end": 1.5}, 10),
        ({"smoothing": "none", "labels": "basic7", "mode": "sync", "detector": "accurate"}, 10),
    ],
)
def test_options(client: httpx.Client, clip: bytes, query: dict[str, str], frames: int) -> None:
    body = client.post("/analyze-video", content=clip, headers=MP4, params=query).raise_for_status().json()
    assert body["video"]["frames_analyzed"] == len(body["timeline"]) == frames
    if query.get("labels") == "basic7":
        assert "contempt" not in body["summary"]["share"]


def test_csv(client: httpx.Client, clip: bytes) -> None:
    answer = client.post("/analyze-video", content=clip, headers={**MP4, "accept": "text/csv"}).raise_for_status()
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["emotion"] for row in rows] == ["happy"] * 5 + [""] * 5


def test_lines_carry_what_the_json_does(client: httpx.Client, clip: bytes) -> None:
    whole = client.post("/analyze-video", content=clip, headers=MP4).json()
    answer = client.post("/analyze-video", content=clip, headers={**MP4, "accept": "application/x-ndjson"})
    first, *frames, last = [json.loads(line) for line in answer.raise_for_status().text.splitlines()]
    assert (first["type"], first["models"]) == ("start", whole["models"])
    assert [{k: v for k, v in frame.items() if k != "type"} for frame in frames] == whole["timeline"]
    assert {k: last[k] for k in ("people", "summary", "video")} == {k: whole[k] for k in ("people", "summary", "video")}
    assert last["type"] == "end"


def test_the_plot_is_a_picture(client: httpx.Client, clip: bytes) -> None:
    answer = client.post("/analyze-video", content=clip, headers={**MP4, "accept": "image/png"}).raise_for_status()
    pixels = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert pixels.shape[1] == 1200


def test_the_annotated_clip_plays(client: httpx.Client, clip: bytes) -> None:
    answer = client.post("/analyze-video", content=clip, headers={**MP4, "accept": "video/mp4"}).raise_for_status()
    with av.open(io.BytesIO(answer.content)) as file:
        assert [s.codec_context.name for s in file.streams] == ["h264", "aac"]
        assert sum(1 for _ in file.decode(video=0)) == 50


def test_sound_that_is_left_out_is_logged(
    client: httpx.Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_clip(tmp_path / "clip.mkv", steps(50), moving(50), Recipe(form="matroska", sound="ac3"))
    content = path.read_bytes()
    assert content.count(b"A_AC3") == 1
    unheard = content.replace(b"A_AC3", b"A_XYZ")
    answer = client.post("/analyze-video", content=unheard, headers={**MP4, "accept": "video/mp4"}).raise_for_status()
    with av.open(io.BytesIO(answer.content)) as file:
        assert [s.codec_context.name for s in file.streams] == ["h264"]
    (line,) = (record for record in caplog.records if "sound" in record.message)
    assert line.__dict__["fields"] == {"request_id": answer.headers["x-request-id"]}


def test_lines_are_sent_during_the_analysis_and_a_client_may_disconnect(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "long.mp4", steps(600), moving(600))
    gate = threading.Event()

    class Slow(PatchEngine):
        def _result(self, frame, options):  # type: ignore[no-untyped-def]
            if frame.index > 3:
                gate.wait(10)
            return super()._result(frame, options)

    engine, folder = Slow(), Path(tempfile.gettempdir())
    others = set(folder.glob("mien-*"))
    with serving_fake(engine, workers=1) as client:
        headers = {**MP4, "accept": "application/x-ndjson"}
        query = {"fps": "native"}
        with client.stream(
            "POST", "/analyze-video", content=path.read_bytes(), headers=headers, params=query
        ) as answer:
            lines = answer.iter_lines()
            kinds = [json.loads(next(lines))["type"] for _ in range(4)]
        gate.set()
        assert kinds == ["start", "frame", "frame", "frame"]
        wait_until(lambda: engine._calls == 0)
        assert engine.seen < 600
        wait_until(lambda: set(folder.glob("mien-*")) <= others)
        assert client.post("/analyze-video", content=path.read_bytes(), headers=MP4).status_code == 200


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
def test_an_error_before_the_first_frame_is_an_answer_of_its_own(clip: bytes, accept: str) -> None:
    with serving_fake(FakeEngine(error=InferenceFailed("broken"))) as client:
        problem(client.post("/analyze-video", content=clip, headers={**MP4, "accept": accept}), 500, "inference_failed")
    with serving_fake(FakeEngine(error=DeadlineExceeded("too late"))) as client:
        problem(
            client.post("/analyze-video", content=clip, headers={**MP4, "accept": accept}), 503, "deadline_exceeded"
        )


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson", "video/mp4"])
def test_a_deadline_ends_the_wait_of_a_clip(clip: bytes, accept: str) -> None:
    with serving_held(queue_capacity=8) as (client, state, gate), ThreadPoolExecutor(2) as pool:
        running = [pool.submit(client.post, "/analyze-video", content=clip, headers=MP4) for _ in range(2)]
        engine = state.engine.get()
        wait_until(lambda: engine.load().calls == 2)  # every thread of one worker's gate
        started = time.monotonic()
        headers = {**MP4, "accept": accept}
        refused = client.post("/analyze-video", content=clip, headers=headers, params={"deadline_ms": 50})
        assert 0.05 <= time.monotonic() - started < 2
        problem(refused, 503, "deadline_exceeded")
        assert state.clip_gate.admitted == 2
        gate.set()
        assert {future.result().status_code for future in running} == {200}


def test_a_deadline_ends_the_drawing_of_a_clip(clip: bytes) -> None:
    class JustInTime(PatchEngine):
        """Done with the last frame of the clip when the deadline passes."""

        def _result(self, frame, options):  # type: ignore[no-untyped-def]
            if frame.index == 49 and self.cancellation.seconds_left is not None:
                time.sleep(self.cancellation.seconds_left + 0.01)
            return super()._result(frame, options)

    query: dict[str, str | int] = {"fps": "native", "deadline_ms": 3000}
    with serving_fake(JustInTime()) as client:
        client.post("/analyze-video", content=clip, headers=MP4, params=query).raise_for_status()
        drawn = client.post("/analyze-video", content=clip, headers={**MP4, "accept": "video/mp4"}, params=query)
    problem(drawn, 503, "deadline_exceeded")


def test_an_error_on_the_way_is_the_last_line(clip: bytes) -> None:
    class Breaks(PatchEngine):
        def _result(self, frame, options):  # type: ignore[no-untyped-def]
            if frame.index >= 20:
                error: MienError = InferenceFailed("broken")
                raise error
            return super()._result(frame, options)

    with serving_fake(Breaks()) as client:
        answer = client.post("/analyze-video", content=clip, headers={**MP4, "accept": "application/x-ndjson"})
    lines = [json.loads(line) for line in answer.raise_for_status().text.splitlines()]
    assert [line["type"] for line in lines] == ["start", *["frame"] * 4, "error"]
    assert (lines[-1]["code"], lines[-1]["status"]) == ("inference_failed", 500)
    assert "broken" not in answer.text


def test_refusals_say_why(client: httpx.Client, clip: bytes, tmp_path: Path) -> None:
    def sent(content: bytes, **query: object) -> httpx.Response:
        return client.post("/analyze-video", content=content, headers=MP4, params=query)  # type: ignore[arg-type]

    with av.open(str(tmp_path / "sound.mp4"), "w") as file:
        write_tone(file, file.add_stream("aac", rate=48_000), 1.0)
    problem(sent((tmp_path / "sound.mp4").read_bytes()), 422, "no_video_stream")
    problem(sent(b"hello"), 415, "unsupported_media")
    problem(sent(b""), 400, "invalid_request")
    problem(sent(clip[: len(clip) // 2]), 422, "corrupt_media")
    for query in (
        {"fps": 0},
        {"fps": "often"},
        {"start": -1},
        {"start": 9},
        {"start": 1, "end": 0.5},
        {"mode": "later"},
    ):
        (name,) = {"end"} if "end" in query else set(query)
        assert problem(sent(clip, **query), 422, "invalid_option")["field"] == name
    assert problem(sent(clip, explain="true"), 422, "invalid_option")["field"] == "explain"
    refused = client.post("/analyze-video", content=clip, headers={**MP4, "accept": "audio/mpeg"})
    problem(refused, 406, "not_acceptable")
    problem(
        client.post("/analyze-video", content=clip, headers={"content-type": "image/png"}), 415, "unsupported_media"
    )


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson", "text/csv", "image/png", "video/mp4"])
def test_a_start_is_judged_by_the_pictures_and_not_by_the_header(
    client: httpx.Client, tmp_path: Path, accept: str
) -> None:
    times = [0.1 * k for k in range(20)]
    content = bytearray(write_clip(tmp_path / "clip.mp4", times, moving(20)).read_bytes())
    for name in (b"mdhd", b"mvhd"):
        at = content.index(name) + 20
        content[at : at + 4] = bytes([0, 0, 0, 9])  # some ticks
    headers = {**MP4, "accept": accept}
    client.post("/analyze-video", content=bytes(content), headers=headers, params={"start": 1.5}).raise_for_status()
    late = client.post("/analyze-video", content=bytes(content), headers=headers, params={"start": 2.5})
    assert problem(late, 422, "invalid_option")["field"] == "start"


def test_nothing_lies_past_the_end_of_the_last_frame(client: httpx.Client, tmp_path: Path) -> None:
    # Decoded in another order than shown, at times far apart: what MP4 says of single frames' durations misleads.
    times = [*steps(25), 1.5, 1.51, 1.52, 1.53]
    content = write_clip(tmp_path / "clip.mp4", times, moving(29), Recipe(options=(("bf", "3"),))).read_bytes()
    body = client.post("/analyze-video", content=content, headers=MP4).raise_for_status().json()
    end = body["video"]["duration"]
    assert end == pytest.approx(1.55, abs=0.03)
    (person,) = body["people"]
    assert person["segments"][-1]["end"] == end
    assert person["screen_time"] == pytest.approx(end)


def test_an_animated_picture_is_refused_as_a_picture(client: httpx.Client, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (32, 24), (80 * k, 90, 90)) for k in range(3)]
    for name in ("clip.webp", "clip.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        refused = client.post("/analyze-video", content=(tmp_path / name).read_bytes(), headers=MP4)
        assert "animated" in problem(refused, 415, "unsupported_media")["detail"]


def test_a_clip_that_is_too_long_names_the_limit(client: httpx.Client, tmp_path: Path) -> None:
    times = [10.0 * k for k in range(40)]
    content = write_clip(tmp_path / "long.mp4", times, [scene(64, 48)] * 40).read_bytes()
    refused = client.post("/analyze-video", content=content, headers=MP4, params={"mode": "sync"})
    refusal = problem(refused, 413, "too_large")
    assert (refusal["limit"], refusal["bound"]) == ("max_seconds", 300)
    part = client.post("/analyze-video", content=content, headers=MP4, params={"start": 100, "end": 200})
    assert [frame["time"] for frame in part.raise_for_status().json()["timeline"]] == times[10:20]


def test_the_bounds_of_clips_are_the_operators(clip: bytes) -> None:
    with serving_fake(PatchEngine(), max_body_bytes=1024, max_clip_seconds=1.5) as client:
        sync = {"mode": "sync"}
        long = problem(client.post("/analyze-video", content=clip, headers=MP4, params=sync), 413, "too_large")
        client.post("/analyze-video", content=clip, headers=MP4, params={"end": 1}).raise_for_status()
    assert (long["limit"], long["bound"]) == ("max_seconds", 1.5)
    with serving_fake(PatchEngine(), max_clip_bytes=len(clip) - 1) as client:
        large = problem(client.post("/analyze-video", content=clip, headers=MP4), 413, "too_large")
    assert (large["limit"], large["bound"]) == ("max_clip_bytes", len(clip) - 1)


ROWS_OF_THE_CLIP = 10 * 20  # sampled frames x faces


@pytest.mark.parametrize("form", ["application/json", "text/csv", "image/png", "video/mp4"])
def test_too_many_rows_are_refused_while_the_clip_is_read(clip: bytes, form: str) -> None:
    engine = FakeEngine(faces=20)
    headers = {**MP4, "accept": form}
    with serving_fake(engine, max_rows=ROWS_OF_THE_CLIP // 2 - 1) as client:
        refused = problem(client.post("/analyze-video", content=clip, headers=headers), 413, "too_large")
        assert engine.seen < 10
        assert (refused["limit"], refused["bound"]) == ("max_rows", 99)
        for way in ("fps", "max_faces", "start and end"):
            assert way in refused["detail"]
        for query in ({"fps": 2}, {"max_faces": 9}, {"end": 0.8}):
            client.post("/analyze-video", content=clip, headers=headers, params=query).raise_for_status()


def test_too_many_rows_end_the_lines_with_an_error(clip: bytes) -> None:
    headers = {**MP4, "accept": "application/x-ndjson"}
    with serving_fake(FakeEngine(faces=20), max_rows=ROWS_OF_THE_CLIP // 2) as client:
        answer = client.post("/analyze-video", content=clip, headers=headers).raise_for_status()
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["type"] for line in lines] == ["start", *["frame"] * 5, "error"]
    assert {name: lines[-1][name] for name in ("status", "code", "limit", "bound")} == {
        "status": 413,
        "code": "too_large",
        "limit": "max_rows",
        "bound": ROWS_OF_THE_CLIP // 2,
    }


def test_a_clip_may_have_as_many_rows_as_allowed_and_frames_without_faces_count(clip: bytes) -> None:
    for faces, rows in ((20, ROWS_OF_THE_CLIP), (0, 10)):
        with serving_fake(FakeEngine(faces=faces), max_rows=rows) as client:
            client.post("/analyze-video", content=clip, headers=MP4).raise_for_status()
        with serving_fake(FakeEngine(faces=faces), max_rows=rows - 1) as client:
            problem(client.post("/analyze-video", content=clip, headers=MP4), 413, "too_large")


@pytest.mark.parametrize("form", ["application/json", "text/csv"])
def test_a_long_answer_waits_in_the_spool_and_is_the_same(clip: bytes, form: str, tmp_path: Path) -> None:
    def text(spool_memory_bytes: int) -> str:
        chosen = {"spool_memory_bytes": spool_memory_bytes, "spool_dir": tmp_path}
        with serving_fake(FakeEngine(faces=20), **chosen) as client:
            answer = client.post("/analyze-video", content=clip, headers={**MP4, "accept": form}).raise_for_status()
        assert int(answer.headers["content-length"]) == len(answer.content) > 10_000
        assert not list(tmp_path.iterdir())
        return re.sub(r'"timing_ms":\{.*?\}|"request_id":".*?"', "", answer.text)

    assert text(1) == text(1 << 20)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_no_room_for_a_long_answer_is_an_answer(clip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> BinaryIO:
        return cast("BinaryIO", Path("/dev/full").open("w+b", buffering=0))

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with serving_fake(FakeEngine(faces=20), spool_memory_bytes=4096) as client:
        answer = client.post("/analyze-video", content=clip, headers=MP4)
    assert "the answer" in problem(answer, 507, "storage_full")["detail"]
