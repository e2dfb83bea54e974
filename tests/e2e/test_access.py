"""Who is let in, by a live service: open addresses, keys that change while it runs, the port of the metrics."""

import os
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.e2e.server import MIEN, Server


def mien(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MIEN, *arguments], capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment}
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104
def test_a_service_for_others_starts_only_with_keys_or_by_word(host: str) -> None:
    started = time.monotonic()
    ended = mien("serve", "--port", "0", "--host", host)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith(f"mien: Without keys, anyone who can reach {host}")
    assert all(word in ended.stderr for word in ("MIEN_KEYS_FILE", "MIEN_API_KEYS", "MIEN_ALLOW_ANONYMOUS=yes"))
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("content", [None, "{"])
def test_a_file_of_keys_that_cannot_be_read_ends_the_start(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "keys.json"
    if content is not None:
        path.write_text(content)
    ended = mien("serve", "--port", "0", MIEN_KEYS_FILE=str(path))
    assert ended.returncode == 2
    assert (ended.stderr.count("\n"), str(path) in ended.stderr) == (1, True)


def test_keys_are_made_limited_and_revoked_while_it_runs(tmp_path: Path, astronaut: bytes) -> None:
    file = tmp_path / "keys.json"
    first = mien("keys", "add", "first", "--file", file).stdout.strip()
    metrics = free_port()
    environment = {
        "MIEN_HOST": "0.0.0.0",  # noqa: S104
        "MIEN_KEYS_FILE": str(file),
        "MIEN_METRICS_PORT": str(metrics),
    }
    with Server(tmp_path, environment) as server:

        def status(token: str) -> int:
            answer = server.client.post("/predict", content=astronaut, headers={"Authorization": f"Bearer {token}"})
            return answer.status_code

        assert status(first) == 200
        second = mien("keys", "add", "second", "--rate", "2/hour", "--file", file).stdout.strip()
        mien("keys", "revoke", "first", "--file", file)
        deadline = time.monotonic() + 5
        while status(first) != 403:
            assert time.monotonic() < deadline, "never revoked"
            time.sleep(0.1)
        assert [status(second) for _ in range(3)] == [200, 200, 429]
        with pytest.raises(InvalidStatus) as refused, connect(f"ws://127.0.0.1:{metrics}/live"):
            pass
        assert refused.value.response.status_code == 404
        assert status("mien_0000_guess") == 401

        base = f"http://127.0.0.1:{metrics}"
        page = httpx.get(f"{base}/metrics")
        assert 'mien_http_requests_total{method="POST",route="/predict",status="429"} 1.0' in page.text
        for path in ("/", "/predict", "/models", "/health/ready", "/openapi.json"):
            assert httpx.get(base + path).status_code == 404
        elsewhere = server.client.get("/metrics")
        assert (elsewhere.status_code, "server" in elsewhere.headers) == (404, False)
        assert httpx.get(f"{base}/metrics", headers={"host": "rebound.example"}).status_code == 421
        assert "/metrics" not in server.client.get("/openapi.json").json()["paths"]
        log = server.log.read_text()
    assert not [token for token in (first, second) if token in log or token.split("_", 2)[2] in log]
