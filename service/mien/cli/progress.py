"""A progress bar on the terminal: how far, how fast, how long still."""

import sys
import time
from types import TracebackType
from typing import Self, TextIO

_WIDTH = 28
_EVERY = 0.1  # s between two drawings


class Progress:
    """Progress through a clip, in seconds of it. A context manager that leaves the line clean.

    Draws only on a terminal: in a pipe or a log file a bar is noise. ``total`` of ``None`` (the container does not say
    how long the clip is) shows how far and how fast, without a bar.
    """

    def __init__(self, name: str, begin: float, end: float | None, stream: TextIO | None = None) -> None:
        self._name = name
        self._begin = begin
        self._end = end
        self._stream = stream or sys.stderr
        self._shows = self._stream.isatty()
        self._started = time.monotonic()
        self._drawn = 0.0
        self._frames = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shows:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def update(self, position: float) -> None:
        """One more frame is done, the one shown at ``position`` seconds."""
        self._frames += 1
        now = time.monotonic()
        if not self._shows or now - self._drawn < _EVERY:
            return
        self._drawn = now
        self._stream.write("\r" + self.line(position, now - self._started) + "\x1b[K")
        self._stream.flush()

    def line(self, position: float, spent: float) -> str:
        """The line for ``position`` after ``spent`` seconds of work."""
        done = max(0.0, position - self._begin)
        speed = done / spent if spent > 0 else 0.0
        pace = f"{self._frames / spent if spent > 0 else 0.0:.1f} frames/s, {speed:.1f}x real time"
        if self._end is None:
            return f"{self._name} {position:.1f} s  {pace}"
        share = min(1.0, done / max(self._end - self._begin, 1e-9))
        filled = round(share * _WIDTH)
        left = (self._end - position) / speed if speed > 0 else None
        bar = "#" * filled + "-" * (_WIDTH - filled)
        return f"{self._name} [{bar}] {share:4.0%}  {pace}  {_clock(left)} left"


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return "--:--"
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
