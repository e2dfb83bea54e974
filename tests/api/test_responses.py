"""Headers of every response, and the sentences of errors."""

from collections.abc import Iterator

import httpx
import pytest

from tests.api.live import KEY, picture, problem, serving_fake


@pytest.fixture(scope="module")
def keyed() -> Iterator[httpx.Client]:
    with serving_fake(api_keys=KEY, cors_origins="https://example.org") as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(("GET", path, 200) for path in ("/", "/docs", "/openapi.json", "/static/page/main.js", "/health/live")),
        *(("HEAD", path, 200) for path in ("/", "/static/page/main.js")),
        *(("GET", path, 404) for path in ("/nothing", "/static/nothing", "/v2/models/none")),
        *(("GET", path, 401) for path in ("/models", "/metrics")),
        *(("DELETE", "/predict", 405), ("POST", "/static/page/main.js", 405), ("POST", "/predict", 401)),
        ("OPTIONS", "/predict", 200),
    ],
)
def test_every_response_forbids_sniffing_and_caching(keyed: httpx.Client, method: str, path: str, status: int) -> None:
    headers = {"origin": "https://example.org", "access-control-request-method": "POST"} if method == "OPTIONS" else {}
    answer = keyed.request(method, path, headers=headers)
    assert answer.status_code == status
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers.get_list("cache-control") == ["no-store"]
    assert answer.headers["x-request-id"]
    assert answer.headers.get_list("x-frame-options") == ["DENY"]
    assert answer.headers.get_list("referrer-policy") == ["no-referrer"]
    assert answer.headers.get_list("cross-origin-resource-policy") == ["same-origin"]
    (policy,) = answer.headers.get_list("content-security-policy")
    assert "frame-ancestors 'none'" in policy
    assert ("default-src 'self'" in policy) == (status == 200 and path in {"/", "/docs"}), "only pages load anything"


def test_what_is_refused_before_the_app_has_the_same_headers(client: httpx.Client) -> None:
    usual = client.get("/nothing")
    refused = client.get("/" + "a" * 9000)
    assert problem(refused, 414, "url_too_long")
    different = {"content-length", "x-request-id", "date", "connection", "server"}
    assert {name: value for name, value in refused.headers.items() if name not in different} == {
        name: value for name, value in usual.headers.items() if name not in different
    }


def test_analyses_forbid_sniffing_and_caching(client: httpx.Client) -> None:
    for accept in ("application/json", "image/png"):
        answer = client.post("/predict", content=picture(), headers={"accept": accept}).raise_for_status()
        assert (answer.headers["x-content-type-options"], answer.headers["cache-control"]) == ("nosniff", "no-store")


@pytest.mark.parametrize(
    ("option", "value", "advice"),
    [
        ("detector", "slow", "write auto, fast or accurate"),
        ("labels", "", "write ferplus8, basic7, basic5 or fer2013"),
        ("min_face", "0", "write a number of at least 1"),
        ("min_face", "large", "write a number"),
        ("min_face", "inf", "write a finite number"),
        ("min_confidence", "1.5", "write a number of at most 1"),
        ("max_faces", "2.5", "write a whole number"),
        ("max_faces", "9" * 5000, "write a smaller number"),
        ("explain", "maybe", "write true or false"),
        ("deadline_ms", "0.5", "write a number of at least 1"),
    ],
)
def test_a_wrong_option_in_plain_words(client: httpx.Client, option: str, value: str, advice: str) -> None:
    body = problem(client.post("/predict", params={option: value}, content=picture()), 422, "invalid_option")
    assert body["detail"] == f"The option {option} is wrong: {advice}."


@pytest.mark.parametrize(
    ("option", "value", "advice"),
    [
        ("fps", "0", "write a number above 0"),
        ("fps", "fast", "write a number or native"),
        ("start", "-1", "write a number of at least 0"),
        ("mode", "later", "write auto, sync or async"),
        ("smoothing", "much", "write none or ema"),
    ],
)
def test_a_wrong_option_of_a_clip(client: httpx.Client, option: str, value: str, advice: str) -> None:
    body = problem(client.post("/analyze-video", params={option: value}, content=b"x"), 422, "invalid_option")
    assert body["detail"] == f"The option {option} is wrong: {advice}."


@pytest.mark.parametrize("images", [["é"], ["A"], ["%%"], ["data:image/png;base64,é"]])
def test_no_text_of_python_in_an_error_about_base64(client: httpx.Client, images: list[str]) -> None:
    detail = problem(client.post("/predict", json={"images": images}), 400, "invalid_field")["detail"]
    assert detail == "images[0] is not base64; encode the file's bytes again."


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "invalid_request"),
        (b"[1", "invalid_field"),
        (b'{"images": [' + b"9" * 5000 + b"]}", "invalid_field"),
        (b'{"images": [' + b"[" * 5000, "invalid_request"),
        (b"\xff", "invalid_request"),
        (b"nope", "invalid_request"),
    ],
)
def test_no_text_of_python_in_an_error_about_json(client: httpx.Client, content: bytes, code: str) -> None:
    answer = client.post("/predict", content=content, headers={"content-type": "application/json"})
    detail = problem(answer, 400, code)["detail"]
    for words in ("Expecting", "char ", "codec", "Exceeds", "int_max", "recursion", "`"):
        assert words not in detail


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"text", "video/mp4"),
        (b"", "video/mp4"),
        (b"{}", "application/json"),
        (b"--b\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
        (b"--b--\r\n", "multipart/form-data; boundary=b"),
        (b"x", "multipart/form-data; boundary=b"),
    ],
)
def test_errors_about_a_clip_do_not_speak_of_pictures(client: httpx.Client, content: bytes, kind: str) -> None:
    answer = client.post("/analyze-video", content=content, headers={"content-type": kind})
    assert answer.status_code in {400, 415, 422}
    assert not [word for word in ("picture", "base64") if word in answer.text]


@pytest.mark.parametrize("accept", ["a/b," * 4_000, ";" * 16_000, "a/b;q=0.1;" * 1_600, "*/*" + "," * 16_000])
def test_an_overlong_accept_header_is_refused(client: httpx.Client, accept: str) -> None:
    for path in ("/predict", "/analyze-video"):
        answer = client.post(path, content=picture(), headers={"accept": accept})
        assert "64 types" in problem(answer, 406, "not_acceptable")["detail"]


def test_a_passed_deadline_is_reported_as_such() -> None:
    large = picture(width=4000, height=4000)  # takes longer to read than the least deadline
    with serving_fake(workers=1) as client:
        answer = client.post("/predict?deadline_ms=1", files=[("file", ("a.png", large))] * 4)
    detail = problem(answer, 503, "deadline_exceeded")["detail"]
    assert detail.startswith("The deadline passed")
    assert "others" not in detail, "it was alone"
    assert int(answer.headers["retry-after"]) >= 1
