"""Limits on idle and half-open connections (slowloris protection).

A client that opens connections and sends nothing, or one byte per second, would otherwise take every file descriptor of
the process, until even the health probes could not connect.
"""

import asyncio
import sys
from typing import Protocol

_DEFAULT_DESCRIPTORS = 1024  # assumed where the system does not say
_MAX_CONNECTIONS = 4096  # each takes some 20 KiB even if nothing is ever sent


class Connection(Protocol):
    """What the limits need of a connection of the server."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport

    @property
    def answered_early(self) -> bool:
        """Whether its request was answered before it was complete; what is still sent is not used."""


class ConnectionLimits:
    """Bounds the open connections. Those that wait for a request are closed to admit new ones, then those answered
    early.

    Args:
        idle_seconds: how long a connection may wait for the head of a request.
        max_open: connections open at once.
        max_waiting: those among them that wait for the head of a request.
    """

    def __init__(self, idle_seconds: float, max_open: int, max_waiting: int) -> None:
        self._idle_seconds = idle_seconds
        self._max_open = max_open
        self._max_waiting = max_waiting
        self._addresses: dict[Connection, str] = {}  # the oldest connection first
        self._timers: dict[Connection, asyncio.TimerHandle] = {}
        self._waiting: dict[str, dict[Connection, None]] = {}  # by address, the longest wait first

    def opened(self, connection: Connection, address: str) -> None:
        """A new connection, which waits for a request. It is aborted if no other can be closed for it."""
        self._addresses[connection] = address
        if len(self._addresses) > self._max_open and not self._close_another(connection):
            connection.transport.abort()
            return
        self.waiting(connection)

    def waiting(self, connection: Connection) -> None:
        """The connection waits for a request from now on, unless it does already."""
        if connection in self._timers or connection not in self._addresses:
            return
        if len(self._timers) >= self._max_waiting:
            self._close_longest_waiting()
        self._waiting.setdefault(self._addresses[connection], {})[connection] = None
        self._timers[connection] = connection.loop.call_later(self._idle_seconds, self._close, connection)

    def head_received(self, connection: Connection) -> None:
        """The head of a request is complete."""
        timer = self._timers.pop(connection, None)
        if timer is None:
            return
        timer.cancel()
        address = self._addresses[connection]
        del self._waiting[address][connection]
        if not self._waiting[address]:
            del self._waiting[address]

    def closed(self, connection: Connection) -> None:
        """The connection is closed."""
        self.head_received(connection)
        self._addresses.pop(connection, None)

    def _close_another(self, new: Connection) -> bool:
        if self._timers:
            self._close_longest_waiting()
            return True
        for connection in self._addresses:
            if connection is not new and connection.answered_early:
                connection.transport.abort()
                self.closed(connection)
                return True
        return False

    def _close_longest_waiting(self) -> None:
        # From the address with the most of them, so that one client's connections do not displace another's.
        address = max(self._waiting, key=lambda one: len(self._waiting[one]))
        self._close(next(iter(self._waiting[address])))

    def _close(self, connection: Connection) -> None:
        connection.transport.close()
        self.closed(connection)


def max_connections() -> int:
    """The most connections for this process, after raising its limit of file descriptors as far as the system allows.

    A quarter of the descriptors is left for files and for what the libraries open.
    """
    return min(_MAX_CONNECTIONS, _raise_descriptor_limit(2 * _MAX_CONNECTIONS) * 3 // 4)


def _raise_descriptor_limit(wanted: int) -> int:
    if sys.platform == "win32":
        return _DEFAULT_DESCRIPTORS
    import resource  # noqa: PLC0415 - not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    except (OSError, ValueError):
        return soft
    return max(soft, wanted)
