"""What one connection has sent and has no reply yet. The newest frame wins."""

from collections import deque
from dataclasses import dataclass

from mien.errors import MienError


@dataclass(slots=True, eq=False)
class Entry:
    """One message that is owed a reply: a frame, or an ``error``.

    ``frame`` is the number of the frame, from 0, or ``None`` for another message. ``data`` are its bytes until a newer
    frame overtakes it; ``received_at`` is a time of ``time.monotonic()``.
    """

    frame: int | None
    received_at: float
    data: bytes | None = None
    error: MienError | None = None


class Inbox:
    """Messages in the order received. Only the newest frame keeps its bytes."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self._newest: Entry | None = None
        self.frames = 0  # received so far

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def has_frame(self) -> bool:
        """Whether a frame waits to be analysed."""
        return self._newest is not None

    def put_frame(self, data: bytes, now: float) -> None:
        """A frame, which overtakes the one that waits."""
        if self._newest is not None:
            self._newest.data = None
        self._newest = Entry(self.frames, now, data)
        self._entries.append(self._newest)
        self.frames += 1

    def put_error(self, error: MienError, now: float) -> None:
        """A message that cannot be used."""
        self._entries.append(Entry(None, now, error=error))

    def take(self) -> list[Entry]:
        """Everything up to and including the newest frame; everything if no frame waits."""
        taken = []
        while self._entries:
            taken.append(entry := self._entries.popleft())
            if entry is self._newest:
                self._newest = None
                break
        return taken
