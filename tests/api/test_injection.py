"""What callers write into names, headers and paths stays text: in answers, in the log, and on the disk."""

import json
import logging
import os
import tempfile
from pathlib import Path

import httpx
import pytest

import mien.api.pages
from mien.telemetry.logs import JsonFormatter, TextFormatter
from tests.api.live import connection_to, everything_from, picture, problem, serving_fake

PNG = picture()
PACKAGE = Path(mien.api.pages.__file__).parent


def raw(client: httpx.Client, head: str) -> bytes:
    with connection_to(client) as connection:
        connection.sendall(head.encode("latin-1"))
        return everything_from(connection)


@pytest.mark.parametrize(
    "path",
    [
        *("/static/../pages.py", "/static/%2e%2e/pages.py", "/static/..%2fpages.py", "/static/%2e%2e%2fpages.py"),
        *("/static//etc/passwd", "/static/%2fetc/passwd", "/static/....//pages.py", "/static/..%5cpages.py"),
        *("/../../etc/passwd", "/static/index.js/../../pages.py", "/static/%00", "/static/index.js%00.html"),
        *("/v2/models/..%2f..%2fsettings", "/v2/models/%2e%2e/ready", "/privacy/../pages.py", "/privacy.html"),
    ],
)
def test_no_path_leads_to_other_files(client: httpx.Client, path: str) -> None:
    assert (PACKAGE / "pages.py").exists()
    answer = raw(client, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert int(answer.split()[1]) in {400, 404, 405}
    assert b"APIRouter" not in answer
    assert b"root:" not in answer


@pytest.mark.parametrize("accept", ["application/json", "image/png"])
@pytest.mark.parametrize(
    "name", ["../../escaped.png", "/escaped.png", "..\\escaped.png", "a/../../escaped.png", "escaped.png\0"]
)
def test_a_file_s_name_is_no_path(tmp_path: Path, name: str, accept: str) -> None:
    spool = tmp_path / "a" / "spool"
    spool.mkdir(parents=True)
    with serving_fake(spool_dir=spool, spool_memory_bytes=1) as client:
        answer = client.post("/predict", files={"file": (name, PNG)}, headers={"accept": accept})
        client.post("/analyze-video", files={"file": (name, b"no clip")})
    assert answer.status_code == 200
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    for folder in (os.curdir, os.sep, tempfile.gettempdir()):
        assert list(Path(folder).glob("*escaped.png*")) == []


@pytest.mark.parametrize(
    "head",
    [
        "X-Request-ID: a\r\n Injected: yes\r\n",  # a continued line
        "X-Request-ID: a%0d%0aInjected: yes\r\n",
        "X-Request-ID: a\rInjected: yes\r\n",
        "X-Request-ID: a\nInjected: yes\r\n",
        "Origin: https://example.org%0d%0aInjected: yes\r\n",
        "Accept: text/html%0d%0aInjected: yes\r\n",
        "X-Forwarded-For: 1.2.3.4%0d%0aInjected: yes\r\n",
    ],
)
@pytest.mark.parametrize("path", ["/models", "/models?a=%0d%0aInjected:%20yes", "/%0d%0aInjected:%20yes"])
def test_no_header_is_added_to_an_answer(client: httpx.Client, head: str, path: str) -> None:
    answer = raw(client, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{head}Connection: close\r\n\r\n")
    lines = answer.partition(b"\r\n\r\n")[0].lower().replace(b"\r", b"\n").split(b"\n")
    assert lines[0].startswith(b"http/1.1 ")
    assert not [line for line in lines if line.lstrip().startswith(b"injected")]


def test_a_refused_host_and_an_unknown_option_are_quoted_as_text(client: httpx.Client) -> None:
    body = problem(client.get("/models", headers={"host": 'evil"><script>'}), 421, "unknown_host")
    assert "evil" in body["detail"]
    answer = client.post("/predict", params={"<script>alert(1)</script>": "1"}, content=PNG)
    problem(answer, 422, "invalid_option")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>.png", "=cmd|'/C calc'!A0.png", '"; drop.png', "é\n.png"]
)
def test_a_name_comes_back_as_it_was_sent_as_json(client: httpx.Client, name: str) -> None:
    answer = client.post("/predict", files={"file": (name, PNG)}).raise_for_status()
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["images"][0]["name"] in {name, name.replace("\n", "%0A"), name.replace('"', "%22")}


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_no_line_of_the_log_is_forged(caplog: pytest.LogCaptureFixture, formatter: logging.Formatter) -> None:
    caplog.set_level(logging.DEBUG)
    forged = 'x\n{"level": "info", "message": "forged"}\r\u2028\u0085 status=200 \x1b[2J'
    with serving_fake(log_names=True) as client:
        client.post("/predict", files={"file": (forged, PNG)}).raise_for_status()
        client.get("/a%0a%7B%22message%22:%22forged%22%7D")
        client.get("/models", headers={"host": "forged"})
    records = [record for record in caplog.records if record.name.startswith("mien")]
    assert len(records) >= 3
    for record in records:
        line = formatter.format(record)
        assert len(line.splitlines()) == 1, line
        assert "\x1b" not in line
        if isinstance(formatter, JsonFormatter):
            assert json.loads(line)["message"] == "request"
