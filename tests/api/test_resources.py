"""Models, Open Inference Protocol, metrics, negotiation, request ids, the access log."""

import logging

import httpx
import pytest

from tests.api.live import picture, problem, serving_fake
from tests.fakes import FakeEngine

PNG = picture()


def test_health(client: httpx.Client) -> None:
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/startup").json() == {"status": "started"}
    assert client.get("/health/ready").json() == {"status": "ready", "canary_age_seconds": 1.0}


def test_open_inference_protocol(client: httpx.Client) -> None:
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2").json()["name"] == "mien"
    assert client.get("/v2/models/emotion/ready").json() == {"name": "emotion", "ready": True}
    metadata = client.get("/v2/models/emotion").json()
    assert (metadata["name"], metadata["versions"], metadata["platform"]) == ("emotion", ["1"], "onnx_onnxruntime")
    problem(client.get("/v2/models/other"), 404, "not_found")
    problem(client.get("/v2/models/other/ready"), 404, "not_found")


def test_models(client: httpx.Client) -> None:
    models = client.get("/models").raise_for_status().json()["models"]
    assert {model["name"] for model in models} == {"emotion", "face-detector"}
    assert all(model["active"] and model["card"]["licence"] for model in models)


def test_metrics_count_requests_stages_faces_and_load() -> None:
    with serving_fake(FakeEngine(faces=2)) as client:
        client.post("/predict", content=PNG).raise_for_status()
        client.post("/predict", content=b"text")
        client.get("/somewhere/else")
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    for line in (
        'mien_http_requests_total{method="POST",route="/predict",status="200"} 1.0',
        'mien_http_requests_total{method="POST",route="/predict",status="415"} 1.0',
        'mien_http_requests_total{method="GET",route="unmatched",status="404"} 1.0',
        'mien_http_request_seconds_count{route="/predict"} 2.0',
        'mien_stage_seconds_count{stage="detect"} 1.0',
        'mien_pictures_total{outcome="ok"} 1.0',
        'mien_pictures_total{outcome="unsupported_media"} 1.0',
        "mien_faces_total 2.0",
        "mien_http_requests_in_flight 1.0",
        "mien_engine_calls 0.0",
        "mien_engine_waiting_frames 0.0",
    ):
        assert line in lines


def test_metrics_time_the_drawing_of_pictures_that_are_drawn() -> None:
    with serving_fake() as client:
        client.post("/predict", content=PNG).raise_for_status()
        assert 'stage="render"' not in client.get("/metrics").text
        client.post("/predict", content=PNG, headers={"accept": "image/png"}).raise_for_status()
        lines = client.get("/metrics").text.splitlines()
    assert 'mien_stage_seconds_count{stage="render"} 1.0' in lines
    (spent,) = (line.split()[-1] for line in lines if line.startswith('mien_stage_seconds_sum{stage="render"}'))
    assert 0 < float(spent) < 10


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("image/*", "image/png"),
        ("image/png;q=0.5, image/jpeg", "image/jpeg"),
        ("text/html, image/jpeg;q=0.9, */*;q=0.1", "image/jpeg"),
    ],
)
def test_the_answer_form_follows_accept(client: httpx.Client, accept: str | None, expected: str) -> None:
    request = client.build_request("POST", "/predict", content=picture(200, 320, 240))
    del request.headers["accept"]
    if accept is not None:
        request.headers["accept"] = accept
    assert client.send(request).raise_for_status().headers["content-type"] == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("text/html", "application/json"), "application/json"),
        (("image/png;q=0.5", "image/jpeg"), "image/jpeg"),
        (("application/json;q=0.1", "", "image/*"), "image/png"),
    ],
)
def test_accept_in_several_lines_is_one_list(client: httpx.Client, lines: tuple[str, ...], expected: str) -> None:
    headers = [("accept", line) for line in lines]
    answer = client.post("/predict", content=picture(200, 320, 240), headers=headers)
    assert answer.raise_for_status().headers["content-type"] == expected


def test_a_clip_s_accept_may_come_in_several_lines_too(client: httpx.Client) -> None:
    lines = [("accept", "text/html"), ("accept", "text/csv")]
    problem(client.post("/analyze-video", content=b"text", headers=lines), 415, "unsupported_media")
    problem(client.post("/analyze-video", content=b"text", headers=lines[:1]), 406, "not_acceptable")


def test_no_acceptable_form(client: httpx.Client) -> None:
    body = problem(client.post("/predict", content=PNG, headers={"accept": "text/html"}), 406, "not_acceptable")
    assert "image/png" in body["detail"]
    several = client.post("/predict", files=[("file", PNG)] * 2, headers={"accept": "image/png"})
    problem(several, 406, "not_acceptable")


def test_a_bad_picture_is_a_problem_even_if_a_picture_is_requested(client: httpx.Client) -> None:
    problem(client.post("/predict", content=b"text", headers={"accept": "image/png"}), 415, "unsupported_media")


@pytest.mark.parametrize("given", ["abc-123", "a" * 128, "00-af7651916cd43dd8448eb211c80319c-00"])
def test_a_sane_request_id_is_echoed(client: httpx.Client, given: str) -> None:
    answer = client.post("/predict", content=PNG, headers={"x-request-id": given})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == given


@pytest.mark.parametrize("given", ["", "a" * 129, "<script>", "two words", "a\tb"])
def test_any_other_request_id_is_replaced(client: httpx.Client, given: str) -> None:
    answers = [client.get("/health/live", headers={"x-request-id": given}) for _ in range(2)]
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == 2
    assert given not in ids


@pytest.mark.parametrize("wanted", [False, True])
def test_the_access_log_has_no_names_unless_asked(caplog: pytest.LogCaptureFixture, wanted: bool) -> None:
    caplog.set_level(logging.INFO, "mien.access")
    with serving_fake(log_names=wanted) as client:
        client.post("/predict", files={"file": ("holiday.png", PNG)}).raise_for_status()
        client.get("/health/live")
    (record,) = [record for record in caplog.records if record.name == "mien.access"]
    fields = record.__dict__["fields"]
    assert (fields["method"], fields["route"], fields["status"]) == ("POST", "/predict", 200)
    assert (fields["pictures"], fields["faces"]) == (1, 1)
    assert ("holiday" in str(fields)) == wanted
