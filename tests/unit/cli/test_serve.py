"""The socket that ``mien serve`` listens on."""

import socket
from pathlib import Path

import pytest

from mien.cli.serve import _listen
from tests.api.live import settings

IPV6 = pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="no IPv6 here")


def reached(listener: socket.socket, address: str) -> bool:
    try:
        socket.create_connection((address, listener.getsockname()[1]), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("0.0.0.0", ["127.0.0.1"]),  # noqa: S104
        ("127.0.0.1", ["127.0.0.1"]),
        pytest.param("::", ["127.0.0.1", "::1"], marks=IPV6),
        pytest.param("::1", ["::1"], marks=IPV6),
    ],
)
def test_where_it_is_found(host: str, found: list[str]) -> None:
    with _listen(settings(host=host, port=0)) as listener:
        assert [address for address in ("127.0.0.1", "::1") if reached(listener, address)] == found
