"""`make audit`, by the real pip-audit and a vulnerability service of the test's own (OSV's protocol)."""

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tools import audit


@contextmanager
def service(status: int, vulnerable: str | None = None) -> Iterator[list[str]]:
    """Arguments for an OSV service that answers with ``status``, and knows a vulnerability of one package."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))["package"]["name"]
            found = {
                "id": "TEST-1",
                "summary": "made up",
                "affected": [{"package": {"name": asked, "ecosystem": "PyPI"}, "versions": [], "ranges": []}],
            }
            body = json.dumps({"vulns": [found]} if asked == vulnerable else {}).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield ["--vulnerability-service", "osv", "--osv-url", f"http://127.0.0.1:{server.server_port}/"]
        server.shutdown()
        thread.join()


def test_a_finding_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with service(200, vulnerable="fastapi") as arguments:
        assert audit.main(arguments) == 1
    printed = capsys.readouterr()
    assert re.match(r"pip-audit: 1 of \d\d packages", printed.out)
    assert "fastapi" in printed.err
    assert "TEST-1" in printed.err


def test_a_service_that_does_not_answer_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert audit.main(["--vulnerability-service", "osv", "--osv-url", f"http://127.0.0.1:{port}/"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("pip-audit: skipped, as the vulnerability service does not answer")


def test_a_mistake_is_not_taken_for_silence(capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main(["--no-such-option"]) == 1
    assert "no-such-option" in capsys.readouterr().err
