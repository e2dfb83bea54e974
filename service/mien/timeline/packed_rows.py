"""Rows in packed arrays: an hour at 5 frames per second takes about 3 MB per person instead of 25."""

from array import array
from collections.abc import Iterator, Sequence
from typing import overload

from mien.domain import Box
from mien.timeline.model import FaceRow, FrameRow

_MEMBERS = 6  # x, y, width, height, confidence, score


class PackedRows(Sequence[FrameRow]):
    """A sequence of rows that packs what is appended and unpacks what is read; values come back exactly."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self._labels = labels
        self._times = array("d")
        self._frames = array("q")
        self._scenes = array("q")
        self._ends = array("q")  # number of faces up to and including each row
        self._people = array("q")
        self._emotions = array("B")
        self._values = array("d")

    def append(self, row: FrameRow) -> None:
        """Add a row at the end."""
        for face in row.faces:
            box = face.box
            self._people.append(face.person)
            self._emotions.append(self._labels.index(face.emotion))
            self._values.extend((box.x, box.y, box.width, box.height, face.confidence, face.score, *face.scores))
        self._times.append(row.time)
        self._frames.append(row.frame)
        self._scenes.append(row.scene)
        self._ends.append(len(self._people))

    def __len__(self) -> int:
        return len(self._times)

    @overload
    def __getitem__(self, at: int) -> FrameRow: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[FrameRow]: ...
    def __getitem__(self, at: int | slice) -> FrameRow | Sequence[FrameRow]:
        if isinstance(at, slice):
            return [self._row(index) for index in range(*at.indices(len(self)))]
        if not -len(self) <= at < len(self):
            raise IndexError(at)
        return self._row(at % len(self))

    def __iter__(self) -> Iterator[FrameRow]:
        return map(self._row, range(len(self)))

    def _row(self, at: int) -> FrameRow:
        first = self._ends[at - 1] if at else 0
        faces = tuple(self._face(index) for index in range(first, self._ends[at]))
        return FrameRow(self._times[at], self._frames[at], self._scenes[at], faces)

    def _face(self, at: int) -> FaceRow:
        width = _MEMBERS + len(self._labels)
        x, y, w, h, confidence, score, *scores = self._values[at * width : (at + 1) * width]
        label = self._labels[self._emotions[at]]
        return FaceRow(self._people[at], Box(x, y, w, h), confidence, label, score, tuple(scores))
