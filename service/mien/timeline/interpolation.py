"""Interpolation of tracks between sampled frames."""

from collections.abc import Sequence
from dataclasses import replace

from mien.domain import Box
from mien.timeline.model import FaceRow, FrameRow


class TrackInterpolator:
    """The faces at any time of a clip, requested in order of time.

    A box moves linearly between two samples that both have its person, and otherwise stays until the next sampled
    frame; emotions are those of the previous sample. There are no faces before the first sample.
    """

    def __init__(self, rows: Sequence[FrameRow]) -> None:
        self._rows = rows
        self._next = 0

    def at(self, time: float) -> tuple[FaceRow, ...]:
        """The faces at ``time`` in seconds."""
        while self._next < len(self._rows) and self._rows[self._next].time <= time:
            self._next += 1
        if self._next == 0:
            return ()
        previous = self._rows[self._next - 1]
        if self._next == len(self._rows) or self._rows[self._next].scene != previous.scene:
            return previous.faces
        following = self._rows[self._next]
        fraction = (time - previous.time) / (following.time - previous.time)
        boxes = {face.person: face.box for face in following.faces}
        return tuple(replace(f, box=_between(f.box, boxes.get(f.person, f.box), fraction)) for f in previous.faces)


def _between(a: Box, b: Box, fraction: float) -> Box:
    return Box(
        a.x + fraction * (b.x - a.x),
        a.y + fraction * (b.y - a.y),
        a.width + fraction * (b.width - a.width),
        a.height + fraction * (b.height - a.height),
    )
