"""The socket that ``mien serve`` listens on."""

import socket
import sys
from pathlib import Path

import pytest

from mien.server.uvicorn_server import listen, refuse_new_connections
from tests.api.live import settings

IPV6 = pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="no IPv6 here")


def reaches(listener: socket.socket, address: str) -> bool:
    try:
        socket.create_connection((address, listener.getsockname()[1]), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "reachable"),
    [
        ("0.0.0.0", ["127.0.0.1"]),  # noqa: S104
        ("127.0.0.1", ["127.0.0.1"]),
        pytest.param("::", ["127.0.0.1", "::1"], marks=IPV6),
        pytest.param("::1", ["::1"], marks=IPV6),
    ],
)
def test_the_addresses_that_reach_the_listener(host: str, reachable: list[str]) -> None:
    with listen(settings(host=host, port=0)) as listener:
        assert [address for address in ("127.0.0.1", "::1") if reaches(listener, address)] == reachable


@pytest.mark.skipif(sys.platform != "linux", reason="needs a filter that only Linux has")
def test_who_connected_before_the_end_is_accepted_and_who_comes_later_is_not() -> None:
    with listen(settings(port=0)) as listener:
        address = listener.getsockname()
        with socket.create_connection(address, timeout=5) as early:
            early.sendall(b"early")
            refuse_new_connections(listener)
            with pytest.raises(TimeoutError):
                socket.create_connection(address, timeout=0.2)
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.recv(5) == b"early"
                early.sendall(b"late")
                assert accepted.recv(4) == b"late"
