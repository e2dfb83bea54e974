"""``WS /live``: every frame gets exactly one reply, in order; the newest frame wins."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from mien.errors import InferenceFailed
from mien.usecases.live_session import LiveSession
from tests.api.camera import camera, end_of, opened, reply, shown
from tests.api.live import picture, problem, serving_fake, serving_held, wait_until
from tests.fakes import FakeEngine

FAST = 240  # frames per second: no waiting


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with serving_fake(live_fps=FAST) as client:
        yield client


def test_options_are_answered_with_what_applies(client: httpx.Client) -> None:
    with camera(client) as live:
        start = opened(live, labels="basic5", min_face="40", smoothing="none")
    assert start["type"] == "start"
    assert start["options"] == {
        "detector": "auto",
        "labels": "basic5",
        "max_faces": 100,
        "min_confidence": None,
        "min_face": 40.0,
        "deadline_ms": None,
        "smoothing": "none",
    }
    assert start["continued"] is False
    assert start["models"] == {"emotion": "1", "face-detector": "1"}
    assert start["limits"]["frame_bytes"] == 4 << 20
    assert start["request_id"]


def test_a_frame_may_come_first(client: httpx.Client) -> None:
    with camera(client) as live:
        found = shown(live, picture(100), picture(100, form=".jpg"), picture(100, form=".webp"))
    assert [one["type"] for one in found] == ["frame"] * 3
    assert [one["frame"] for one in found] == [0, 1, 2]
    first = found[0]
    assert (first["width"], first["height"], first["dropped"], first["warnings"]) == (64, 48, False, [])
    assert [face["person"] for face in first["faces"]] == [1]
    assert sum(first["faces"][0]["scores"].values()) == pytest.approx(1, abs=0.001)
    assert set(first["timing_ms"]) == {"queue", "decode", "detect", "classify", "waited", "total"}
    times = [one["time"] for one in found]
    assert times == sorted(times)


def test_options_apply_to_every_frame() -> None:
    engine = FakeEngine(faces=3)
    with serving_fake(engine, live_fps=FAST) as client, camera(client) as live:
        opened(live, labels="basic5", max_faces=2, detector="accurate", min_face=20)
        for found in shown(live, picture(), picture()):
            assert [face["person"] for face in found["faces"]] == [1, 2]
            assert len(found["faces"][0]["scores"]) == 5
    assert engine.options is not None
    assert (engine.options.detector, engine.options.min_face) == ("accurate", 20)


@pytest.mark.parametrize("smoothing", ["ema", "none"])
def test_scores_are_smoothed_if_that_is_wanted(smoothing: str) -> None:
    with serving_fake(live_fps=FAST) as client, camera(client) as live:
        opened(live, smoothing=smoothing)
        before, after = shown(live, picture(96), picture(127))  # 0.5 neutral, and another emotion with 0.99
        alone = shown(live, picture(96))[0]
    assert before["faces"][0]["score"] == 0.75
    score = after["faces"][0]["scores"][before["faces"][0]["emotion"]]
    assert (score > 0.05) == (smoothing == "ema")
    assert (alone["faces"][0]["score"] == 0.75) == (smoothing == "none")


@pytest.mark.parametrize(
    ("sent", "code", "field", "said"),
    [
        ('{"labels": "moods"}', "invalid_option", "labels", "ferplus8"),
        ('{"zoom": 2}', "invalid_option", "zoom", "person_state"),
        ('{"max_faces": 0}', "invalid_option", "max_faces", "at least 1"),
        ('{"person_state": "forged"}', "invalid_option", "person_state", "MIEN_SECRET"),
        ("[]", "invalid_request", None, "JSON object"),
        ("labels=basic7", "invalid_request", None, "neither a frame nor JSON"),
        ("[" * 60_000, "invalid_request", None, "JSON"),
        ('"' + "x" * 70_000 + '"', "too_large", None, "65,536"),
    ],
)
def test_wrong_options_are_refused(client: httpx.Client, sent: str, code: str, field: str | None, said: str) -> None:
    with camera(client) as live:
        live.send(sent)
        close, (refusal,) = end_of(live)
    assert close == 1008
    assert (refusal["type"], refusal["code"], refusal.get("field")) == ("error", code, field)
    assert said in refusal["detail"]
    assert refusal["detail"].endswith(".")


def test_what_is_no_frame_gets_a_problem_and_the_connection_stays(client: httpx.Client) -> None:
    huge = picture(width=4000, height=3000)
    with camera(client) as live:
        opened(live)
        sent: list[bytes | str] = [b"garbage", b"", b"BM" + b"\0" * 100, picture()[:40], huge, "more options"]
        codes = []
        for message in sent:
            live.send(message)
            found = reply(live)
            assert found["type"] == "error"
            codes.append((found["code"], found.get("frame")))
        (last,) = shown(live, picture())
    assert codes == [
        *(("unsupported_media", 0), ("invalid_request", 1), ("unsupported_media", 2), ("corrupt_media", 3)),
        *(("too_large", 4), ("invalid_request", None)),
    ]
    assert (last["type"], last["frame"], len(last["faces"])) == ("frame", 5, 1)


def test_a_failure_of_the_engine_concerns_one_frame() -> None:
    engine = FakeEngine(error=InferenceFailed("secret"))
    with serving_fake(engine, live_fps=FAST) as client, camera(client) as live:
        (failed,) = shown(live, picture())
        engine.error = None
        (fine,) = shown(live, picture())
    assert (failed["type"], failed["code"], failed["frame"]) == ("error", "inference_failed", 0)
    assert "secret" not in failed["detail"]
    assert fine["type"] == "frame"


def test_an_unexpected_error_ends_one_connection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(LiveSession, "document", fail)
    with serving_fake(live_connections=1) as client:
        with camera(client) as live:
            live.send(picture())
            assert end_of(live) == (1011, [])
        assert [one.name for one in caplog.records if one.levelname == "ERROR"] == ["mien.error"]
        monkeypatch.undo()
        wait_until(lambda: "mien_live_connections 0.0" in client.get("/metrics").text)
        with camera(client) as live:
            assert shown(live, picture())[0]["type"] == "frame"


def test_the_newest_frame_wins_and_every_frame_gets_its_reply_in_order() -> None:
    with serving_held(queue_capacity=4, live_fps=FAST) as (client, state, gate), camera(client) as live:
        opened(live)
        engine = state.engine.get()
        assert isinstance(engine, FakeEngine)
        live.send(picture(100))
        wait_until(lambda: engine.seen == 1)
        for grey in range(101, 110):
            live.send(picture(grey))
        time.sleep(0.2)
        gate.set()
        found = [reply(live) for _ in range(10)]
        assert engine.seen == 2
        metrics = client.get("/metrics").text
    assert [one["frame"] for one in found] == list(range(10))
    assert [one["dropped"] for one in found] == [False, *[True] * 8, False]
    assert found[3] == {"type": "frame", "frame": 3, "dropped": True}
    assert 'mien_live_frames_total{outcome="answered"} 2.0' in metrics
    assert 'mien_live_frames_total{outcome="dropped"} 8.0' in metrics
    assert "mien_live_connections 1.0" in metrics
    assert "mien_live_frame_seconds_count 2.0" in metrics


def test_the_state_comes_once_a_second(client: httpx.Client) -> None:
    with camera(client) as live:
        opened(live)
        found = []
        for _ in range(12):
            found += shown(live, picture())
            time.sleep(0.1)
    assert 1 <= sum("person_state" in one for one in found) <= 3
    assert "person_state" in found[0]


def test_a_plain_request_is_told_what_this_is(client: httpx.Client) -> None:
    assert "WebSocket" in problem(client.get("/live"), 404, "not_found")["detail"]


def test_the_log_says_what_became_of_the_frames(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "mien.access")
    with camera(client, {"x-request-id": "mine"}) as live:
        assert live.response is not None
        assert live.response.headers["x-request-id"] == "mine"
        shown(live, picture(), b"garbage")
    wait_until(lambda: [one for one in caplog.records if one.getMessage() == "websocket"])
    (line,) = [one.__dict__["fields"] for one in caplog.records if one.getMessage() == "websocket"]
    assert (line["request_id"], line["route"], line["status"]) == ("mine", "/live", 101)
    assert (line["answered"], line["dropped"], line["failed"]) == (1, 0, 1)
    assert json.dumps(line)
