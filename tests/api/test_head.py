"""HEAD wherever there is GET: the same status and headers, and no body."""

import logging

import httpx
import pytest

from tests.api.live import KEY, NEED_NO_KEY, connection_to, everything_from, problem, serving_fake
from tests.fakes import FakeEngine

_READ = (*NEED_NO_KEY, "/v2", "/v2/models/other", "/models", "/metrics", "/nothing/here")
# The metrics count the requests for them.
_CHANGING = {"/metrics": {"content-length"}}


@pytest.mark.parametrize("path", _READ)
def test_head_has_the_headers_of_get(client: httpx.Client, path: str) -> None:
    expected, answer = client.get(path), client.head(path)
    assert answer.status_code == expected.status_code
    assert set(answer.headers) == set(expected.headers)
    for name in set(expected.headers) - {"date", "x-request-id"} - _CHANGING.get(path, set()):
        assert answer.headers[name] == expected.headers[name], name


@pytest.mark.parametrize("path", _READ)
def test_head_has_no_body(client: httpx.Client, path: str) -> None:
    with connection_to(client) as connection:
        connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        said = everything_from(connection)
    assert said.startswith(b"HTTP/1.1 404" if path in {"/nothing/here", "/v2/models/other"} else b"HTTP/1.1 200")
    assert said.endswith(b"\r\n\r\n")
    assert said.count(b"\r\n\r\n") == 1


def test_head_says_that_the_service_is_not_ready() -> None:
    with serving_fake(FakeEngine(ready=False)) as client:
        answer = client.head("/health/ready")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_head_needs_a_key_where_get_does() -> None:
    with serving_fake(api_keys=KEY) as client:
        assert client.head("/models").status_code == 401
        assert client.head("/models", headers={"X-API-Key": KEY}).status_code == 200


@pytest.mark.parametrize(("path", "allowed"), [("/health/live", {"GET", "HEAD"}), ("/predict", {"POST"})])
def test_other_methods_are_told_which_there_are(client: httpx.Client, path: str, allowed: set[str]) -> None:
    answer = client.put(path)
    problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == allowed


def test_pictures_and_clips_are_sent_by_post_only(client: httpx.Client) -> None:
    assert client.head("/predict").status_code == 405
    assert client.head("/analyze-video").status_code == 405


def test_the_log_and_the_metrics_tell_head_from_get(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mien.access")
    with serving_fake() as client:
        client.head("/v2/models/emotion")
        client.get("/v2/models/emotion")
        lines = client.get("/metrics").text.splitlines()
    for method in ("HEAD", "GET"):
        assert f'mien_http_requests_total{{method="{method}",route="/v2/models/{{name}}",status="200"}} 1.0' in lines
    assert [record.__dict__["fields"]["method"] for record in caplog.records] == ["HEAD", "GET"]
