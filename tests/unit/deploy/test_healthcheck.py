import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "deploy/healthcheck.py"


class _Handler(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/health/ready" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def check(port: int, host: str = "0.0.0.0") -> int:  # noqa: S104
    environment = os.environ | {"MIEN_HOST": host, "MIEN_PORT": str(port), "http_proxy": "http://127.0.0.1:9"}
    return subprocess.run([sys.executable, "-I", SCRIPT], env=environment, timeout=20, check=False).returncode


class _IPv6Server(HTTPServer):
    address_family = socket.AF_INET6


@contextmanager
def serving(server: HTTPServer) -> Iterator[HTTPServer]:
    with server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with serving(HTTPServer(("127.0.0.1", 0), _Handler)) as server:
        yield server


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_exit_status_says_whether_it_is_ready(
    server: HTTPServer, monkeypatch: pytest.MonkeyPatch, status: int, code: int
) -> None:
    monkeypatch.setattr(_Handler, "status", status)
    assert check(server.server_port) == code


@pytest.mark.parametrize("host", ["", "127.0.0.1", "localhost"])
def test_it_asks_where_the_service_listens(server: HTTPServer, host: str) -> None:
    assert check(server.server_port, host) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")
def test_it_asks_the_single_address_that_the_service_listens_on() -> None:
    with serving(HTTPServer(("127.0.0.2", 0), _Handler)) as server:
        assert [check(server.server_port, host) for host in ("127.0.0.2", "127.0.0.1")] == [0, 1]


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="no IPv6 here")
@pytest.mark.parametrize("host", ["::", "::1"])
def test_it_asks_over_ipv6_if_the_service_listens_there(host: str) -> None:
    with serving(_IPv6Server(("::1", 0), _Handler)) as server:
        assert check(server.server_port, host) == 0


def test_nothing_listening_is_not_ready(server: HTTPServer) -> None:
    port = server.server_port
    server.server_close()
    assert check(port) == 1


@pytest.mark.parametrize("port", ["", "tcp://10.96.0.12:8000"])
def test_a_port_that_is_no_number_is_ignored(port: str) -> None:
    environment = os.environ | {"MIEN_HOST": "127.0.0.1", "MIEN_PORT": port}
    run = subprocess.run([sys.executable, SCRIPT], env=environment, timeout=20, check=False, capture_output=True)
    assert run.stderr == b""
