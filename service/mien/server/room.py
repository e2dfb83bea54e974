"""How many connections there may be, and which one makes room for a new one.

A caller who opens connections and sends nothing, or sends a byte a second, would otherwise take every descriptor of the
process, until the health probes, too, find no way in.
"""

import asyncio
import sys
from typing import Protocol

_FEW_DESCRIPTORS = 1024  # what a process may have where the system does not say
_MOST_CONNECTIONS = 4096  # each takes some 20 KiB even if nothing ever comes


class Connection(Protocol):
    """What is needed of a connection; the server's own is one."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport

    @property
    def refused(self) -> bool:
        """Whether it is answered already and only sends what is not wanted."""


class Room:
    """The open connections: those that a request is awaited on make room for new ones, and so do those refused."""

    def __init__(self, seconds: float, most: int, most_waiting: int) -> None:
        self._seconds = seconds
        self._most = most
        self._most_waiting = most_waiting
        self._address: dict[Connection, str] = {}  # the oldest connection first
        self._timers: dict[Connection, asyncio.TimerHandle] = {}
        self._waiting: dict[str, dict[Connection, None]] = {}  # by address, the one that has waited longest first

    def enter(self, connection: Connection, address: str) -> None:
        """A new connection, on which a request is awaited. It is cut where none of the others can make room."""
        self._address[connection] = address
        if len(self._address) > self._most and not self._make_room(connection):
            connection.transport.abort()
            return
        self.waits(connection)

    def waits(self, connection: Connection) -> None:
        """A request is awaited from now on, unless that is so already."""
        if connection in self._timers or connection not in self._address:
            return
        if len(self._timers) >= self._most_waiting:
            self._end_longest_waiting()
        self._waiting.setdefault(self._address[connection], {})[connection] = None
        self._timers[connection] = connection.loop.call_later(self._seconds, self._end, connection)

    def asked(self, connection: Connection) -> None:
        """The head of a request has come whole."""
        timer = self._timers.pop(connection, None)
        if timer is None:
            return
        timer.cancel()
        address = self._address[connection]
        del self._waiting[address][connection]
        if not self._waiting[address]:
            del self._waiting[address]

    def leave(self, connection: Connection) -> None:
        """It is closed."""
        self.asked(connection)
        self._address.pop(connection, None)

    def _make_room(self, newcomer: Connection) -> bool:
        if self._timers:
            self._end_longest_waiting()
            return True
        refused = next((one for one in self._address if one is not newcomer and one.refused), None)
        if refused is None:
            return False
        self._cut(refused)
        return True

    def _end_longest_waiting(self) -> None:
        # Of the caller who has most of them, so that one caller's do not push out another's.
        address = max(self._waiting, key=lambda one: len(self._waiting[one]))
        self._end(next(iter(self._waiting[address])))

    def _end(self, connection: Connection) -> None:
        connection.transport.close()
        self.leave(connection)

    def _cut(self, connection: Connection) -> None:
        connection.transport.abort()
        self.leave(connection)


def most_connections() -> int:
    """How many this process may have, after raising its number of descriptors as far as the system lets it.

    A quarter is left for files, and for what the libraries open.
    """
    return min(_MOST_CONNECTIONS, _raised_descriptors() * 3 // 4)


def _raised_descriptors() -> int:
    if sys.platform == "win32":
        return _FEW_DESCRIPTORS
    import resource  # noqa: PLC0415 - Windows has none

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 2 * _MOST_CONNECTIONS
    wanted = 2 * _MOST_CONNECTIONS if hard == resource.RLIM_INFINITY else min(hard, 2 * _MOST_CONNECTIONS)
    if wanted > soft:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            return soft
    return max(soft, wanted)
