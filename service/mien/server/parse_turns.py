"""Turns between addresses for the start of requests.

A request that is parsed starts its task, and a client with hundreds of connections starts hundreds of tasks in one turn
of the event loop; a probe then waited half a second. So a turn parses a few connections, and then one of each address
after the other.
"""

import asyncio
from collections import deque
from collections.abc import Callable

_PER_TURN = 4  # connections; their requests take a millisecond or two together


class ParseTurns:
    """Bounds what is parsed in one turn of the event loop; used within one."""

    def __init__(self) -> None:
        self._left = _PER_TURN
        self._waiting: dict[str, deque[Callable[[], None]]] = {}  # by address, the next to be served first
        self._turn_is_due = False

    def take(self, loop: asyncio.AbstractEventLoop, address: str, parse: Callable[[], None]) -> None:
        """Call ``parse`` at once, or when it is the turn of ``address``."""
        if self._left and not self._waiting:
            self._left -= 1
            self._schedule(loop)
            parse()
        else:
            self.wait(loop, address, parse)

    def wait(self, loop: asyncio.AbstractEventLoop, address: str, parse: Callable[[], None]) -> None:
        """Call ``parse`` in a later turn of the event loop, behind what waits for ``address`` already."""
        self._waiting.setdefault(address, deque()).append(parse)
        self._schedule(loop)

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._turn_is_due:
            self._turn_is_due = True
            loop.call_soon(self._begin_turn, loop)

    def _begin_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._turn_is_due = False
        self._left = _PER_TURN
        due = list[Callable[[], None]]()
        while self._waiting and len(due) < _PER_TURN:
            address = next(iter(self._waiting))
            queue = self._waiting.pop(address)
            due.append(queue.popleft())
            if queue:
                self._waiting[address] = queue  # behind the others
        self._left -= len(due)
        if due:
            self._schedule(loop)
        for parse in due:
            parse()
