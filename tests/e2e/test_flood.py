"""Pipelined requests without end. In three processes: in one, a probe would wait for the interpreter."""

import socket
import statistics
import subprocess
import sys
import time

import pytest

from tests.e2e.server import Server

PROBE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def seconds_of_a_probe(port: int) -> float:
    """Over a connection of its own."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(PROBE)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 200"), received
    return time.monotonic() - started


@pytest.mark.parametrize("connections", [1, 8])
def test_floods_of_requests_do_not_delay_a_probe(server: Server, connections: int) -> None:
    port = server.client.base_url.port
    assert port
    command = [sys.executable, "-m", "tests.e2e.flood", str(port), str(connections)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as flood:
        try:
            assert flood.stdout
            assert flood.stdout.readline() == b"flooding\n"
            time.sleep(0.3)
            # In the mean, 1 and 5 ms as a rule. Where all that one read brings is answered in one go, seconds.
            assert statistics.fmean(seconds_of_a_probe(port) for _ in range(11)) < 0.05
            assert flood.poll() is None
        finally:
            flood.kill()
