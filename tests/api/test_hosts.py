"""Which ``Host`` is answered: without keys, no name that others can point at this machine (DNS rebinding)."""

import time
from typing import Any

import httpx
import pytest

from tests.api.live import KEY, connection_to, everything_from, picture, problem, serving_fake

FOREIGN = "rebound.example"
PROBES = ("/health/live", "/health/startup", "/health/ready", "/v2/health/live", "/v2/health/ready")


def status(client: httpx.Client, host: str, path: str = "/models") -> int:
    return client.get(path, headers={"host": host}).status_code


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "localhost.", "a.localhost:9", "127.0.0.1", "127.1.2.3:8000", "[::1]:8000"]
)
def test_loopback_is_answered(client: httpx.Client, host: str) -> None:
    assert status(client, host) == 200


@pytest.mark.parametrize(
    "host",
    [
        *(FOREIGN, f"{FOREIGN}:8000", "localhost.example", "notlocalhost", "127.0.0.1.example", "192.168.1.5"),
        *("[fe80::1]", "", "localhost:x", "localhost@evil", "[localhost]", "a" * 5000, "." * 16_000),
    ],
)  # fmt: skip
def test_other_hosts_are_refused(client: httpx.Client, host: str) -> None:
    started = time.monotonic()
    body = problem(client.get("/models", headers={"host": host}), 421, "unknown_host")
    assert "MIEN_ALLOWED_HOSTS" in body["detail"]
    assert len(body["detail"]) < 400
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/static/page/main.js", "/v2/models/emotion", "/nothing"]
)
def test_no_page_and_no_data_for_another_host(client: httpx.Client, path: str) -> None:
    assert status(client, FOREIGN, path) == 421


def test_a_refused_upload_sees_the_refusal(client: httpx.Client) -> None:
    answer = client.post("/predict", content=b"\0" * 30_000_000, headers={"host": FOREIGN})
    problem(answer, 421, "unknown_host")


def test_one_foreign_host_of_two_is_enough(client: httpx.Client) -> None:
    with connection_to(client) as connection:
        head = f"GET /models HTTP/1.1\r\nHost: localhost\r\nHost: {FOREIGN}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        assert everything_from(connection).split()[1] in {b"400", b"421"}


@pytest.mark.parametrize("path", [*PROBES, "/v2/models/emotion/ready"])
def test_probes_are_answered_for_any_host(client: httpx.Client, path: str) -> None:
    assert status(client, FOREIGN, path) == 200


@pytest.mark.parametrize(
    ("chosen", "answered", "refused"),
    [
        ({"host": "0.0.0.0"}, ["10.1.2.3:8000", "[fd00::1]", "localhost", "0.0.0.0:8000"], [FOREIGN, "mien"]),  # noqa: S104
        ({"host": "192.168.1.5"}, ["192.168.1.5", "127.0.0.1"], [FOREIGN]),
        ({"host": "MyBox"}, ["mybox:8000", "localhost"], [FOREIGN]),
        (
            {"allowed_hosts": "mien, *.Example.org"},
            ["mien:1", "a.b.example.org", "localhost"],
            ["example.org", "xmien"],
        ),
        ({"allowed_hosts": "*"}, [FOREIGN, "10.1.2.3"], []),
        ({"api_keys": KEY}, [FOREIGN, "10.1.2.3"], []),
        ({"api_keys": KEY, "allowed_hosts": "mien"}, [FOREIGN], []),
    ],
)
def test_the_hosts_that_the_operator_allows(chosen: dict[str, Any], answered: list[str], refused: list[str]) -> None:
    with serving_fake(**chosen) as client:
        assert [host for host in answered if status(client, host, "/docs") != 200] == []
        assert [host for host in refused if status(client, host, "/docs") != 421] == []


@pytest.mark.parametrize("path", ["/predict/", "/models/", "/docs/", "/static", "/static/"])
def test_nothing_redirects(path: str) -> None:
    with serving_fake(allowed_hosts="*") as client:
        answer = client.get(path, headers={"host": FOREIGN}, follow_redirects=False)
    assert answer.status_code in {404, 405}
    assert "location" not in answer.headers


def test_pictures_are_answered(client: httpx.Client) -> None:
    client.post("/predict", content=picture(), headers={"host": "localhost:1"}).raise_for_status()
