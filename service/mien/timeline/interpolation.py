"""Where every face is between two sampled frames."""

from collections.abc import Sequence
from dataclasses import replace

from mien.domain import Box
from mien.timeline.model import FaceRow, FrameRow


class TrackInterpolator:
    """The faces at any time of a clip, asked for in growing order.

    A box moves in a straight line between two samples that both have its person and stays where it is otherwise, until
    the next sampled frame; emotions are those of the sample before. Nothing is shown before the first sample.
    """

    def __init__(self, rows: Sequence[FrameRow]) -> None:
        self._rows = rows
        self._next = 0

    def at(self, time: float) -> tuple[FaceRow, ...]:
        """The faces to show at ``time`` in seconds."""
        while self._next < len(self._rows) and self._rows[self._next].time <= time:
            self._next += 1
        if self._next == 0:
            return ()
        before = self._rows[self._next - 1]
        if self._next == len(self._rows) or self._rows[self._next].scene != before.scene:
            return before.faces
        after = self._rows[self._next]
        share = (time - before.time) / (after.time - before.time)
        later = {face.person: face.box for face in after.faces}
        return tuple(replace(f, box=_between(f.box, later.get(f.person, f.box), share)) for f in before.faces)


def _between(a: Box, b: Box, share: float) -> Box:
    return Box(
        a.x + share * (b.x - a.x),
        a.y + share * (b.y - a.y),
        a.width + share * (b.width - a.width),
        a.height + share * (b.height - a.height),
    )
