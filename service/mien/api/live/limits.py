"""The limits of ``/live``: how many connections there are, and how many of their frames are in work at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from anyio import CancelScope, CapacityLimiter, Semaphore

from mien.api.errors import NoConnectionFree
from mien.api.live.signed_state import StateSigner
from mien.images.decoder import PictureDecoder

PATH = "/live"
"""The one path at which a WebSocket can be opened."""
MAX_FRAME_BYTES = 4 << 20
"""Of a message: the server's WebSocket protocol refuses a longer one before it is received."""
MAX_PIXELS = 3840 * 2160
MAX_OPTION_BYTES = 64 << 10
"""Of the first message."""
OPENING_SECONDS = 10.0
"""For the first message of a connection that has yet to send its key."""
FRAME_SECONDS = 10.0
"""A frame that is not analysed by then fails: its camera has long moved on."""
MAX_REPLIES = 64
"""Replies of one connection that may be due: until the first of them is sent, no further message is read."""


class Places:
    """The connections to ``/live``: at most ``capacity`` that may send frames, and as many that have yet to send their
    key. Of the latter the oldest gives way, so that clients without a key take no place from those with one."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._open = 0
        self._opening: dict[CancelScope, None] = {}

    @property
    def open(self) -> int:
        """Connections that may send frames."""
        return self._open

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold a place.

        Raises:
            NoConnectionFree: all are taken.
        """
        if self._open >= self._capacity:
            raise NoConnectionFree(f"All {self._capacity} connections are taken. Retry in a few seconds.")
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    @contextmanager
    def opening(self) -> Iterator[CancelScope]:
        """A scope for the wait for a key; it is cancelled if a newer connection needs its place."""
        if len(self._opening) >= self._capacity:
            oldest = next(iter(self._opening))
            del self._opening[oldest]
            oldest.cancel()
        with CancelScope() as scope:
            self._opening[scope] = None
            try:
                yield scope
            finally:
                self._opening.pop(scope, None)


@dataclass(frozen=True, slots=True)
class LiveState:
    """What the connections to ``/live`` share.

    ``gate`` admits frames to the engine, one per worker: connections wait for it in turn, each with one frame, so they
    share the machine evenly, and a picture waits for few frames. ``threads`` has no bound of its own. In seconds,
    ``interval`` is the least time between two frames of one connection, ``idle`` the time after which a silent one is
    closed, and ``send`` how long one may take to read a reply.
    """

    places: Places
    gate: Semaphore
    threads: CapacityLimiter
    signer: StateSigner
    decoder: PictureDecoder
    interval: float
    idle: float
    send: float
