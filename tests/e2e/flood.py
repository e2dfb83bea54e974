"""A client that sends requests without end over several connections, far more than it reads answers to.

    python -m tests.e2e.flood PORT CONNECTIONS

Writes a line when it has sent to every connection, and runs until it is killed.
"""

import select
import socket
import sys
from contextlib import suppress

REQUESTS = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3_000


def main(port: int, count: int) -> None:
    """Flood."""
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    for connection in connections:
        connection.setblocking(False)
        connection.send(REQUESTS)
    sys.stdout.write("flooding\n")
    sys.stdout.flush()
    while True:
        readable, writable, _ = select.select(connections, connections, [])
        for connection in readable:
            connection.recv(1 << 20)
        for connection in writable:
            with suppress(BlockingIOError):
                connection.send(REQUESTS)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
