"""Pages of other origins (CORS): none may read an answer unless the operator lists theirs."""

from collections.abc import Iterator

import httpx
import pytest

from tests.api.live import KEY, picture, problem, serving_fake

PAGE = "https://example.org"
PREFLIGHT = {"origin": PAGE, "access-control-request-method": "POST"}


@pytest.fixture(scope="module")
def open_client() -> Iterator[httpx.Client]:
    """A server that lets pages of ``PAGE`` in, with a key."""
    with serving_fake(cors_origins=f"{PAGE}, http://localhost:3000", api_keys=KEY) as client:
        yield client


def test_no_cors_by_default(client: httpx.Client) -> None:
    answer = client.post("/predict", content=picture(), headers={"origin": PAGE}).raise_for_status()
    refused = client.options("/predict", headers=PREFLIGHT)
    for response in (answer, refused):
        assert not [name for name in response.headers if name.startswith("access-control")]
    problem(refused, 405, "method_not_allowed")


def test_a_preflight_is_answered_without_a_key(open_client: httpx.Client) -> None:
    wanted = "authorization, content-type, x-api-key, x-request-id"
    answer = open_client.options("/predict", headers={**PREFLIGHT, "access-control-request-headers": wanted})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "POST" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in wanted.split(", "))


def test_an_answer_and_what_a_page_may_read_of_it(open_client: httpx.Client) -> None:
    headers = {"origin": PAGE, "x-api-key": KEY}
    answer = open_client.post("/predict", content=picture(), headers=headers).raise_for_status()
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "access-control-allow-credentials" not in answer.headers
    exposed = answer.headers["access-control-expose-headers"].lower()
    assert all(name in exposed for name in ("x-request-id", "location", "retry-after"))
    assert "origin" in answer.headers["vary"].lower()


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("POST", "/predict", 401)])
def test_a_page_can_read_an_error(open_client: httpx.Client, method: str, path: str, status: int) -> None:
    answer = open_client.request(method, path, headers={"origin": PAGE})
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == PAGE


def test_a_page_can_read_what_a_middleware_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("unexpected")

    monkeypatch.setattr("mien.api.images.choose", fail)
    with serving_fake(cors_origins=PAGE) as client:
        broken = client.post("/predict", content=picture(), headers={"origin": PAGE})
        foreign = client.get("/models", headers={"origin": PAGE, "host": "evil.example"})
    problem(broken, 500, "internal_error")
    problem(foreign, 421, "unknown_host")
    assert broken.headers["access-control-allow-origin"] == foreign.headers["access-control-allow-origin"] == PAGE


def test_other_origins_are_refused(open_client: httpx.Client) -> None:
    other = "https://evil.example"
    refused = open_client.options("/predict", headers={**PREFLIGHT, "origin": other})
    answer = open_client.get("/health/live", headers={"origin": other})
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers
    assert "access-control-allow-origin" not in answer.headers


def test_any_origin() -> None:
    with serving_fake(cors_origins="*") as client:
        answer = client.get("/health/live", headers={"origin": PAGE})
    assert answer.headers["access-control-allow-origin"] == "*"
