"""Label placement: greedy and free of overlaps, in one picture or steady over the frames of a clip."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mien.render.canvas import Rectangle, is_empty, shared_area
from mien.render.labels import BESIDE, INSIDE, OUTSIDE, Label, Position, Texts, tag_size, text_sizes

# Maximum label width in box widths, unless its letters are the smallest: to be chosen, and to be kept.
_MAX_WIDTH, _MAX_KEPT_WIDTH = 1.5, 2.0

PATIENCE = 1.0
"""Seconds for which a better position must be free before a label of a clip moves there."""


def place_labels(texts: Sequence[Texts], boxes: Sequence[Rectangle], width: int, height: int) -> list[Label | None]:
    """A label for each box, within a picture of ``width`` x ``height``, none over another.

    The first faces choose first. If there is no room beside the other faces a label gets smaller, then shorter; if not
    even the shortest text is clear of other labels it is left out.
    """
    layout = _Layout(texts, boxes, width, height)
    for index in range(len(boxes)):
        layout.labels[index] = layout.best(index)
    return layout.labels


@dataclass(frozen=True, slots=True)
class _Placed:
    """A person's position in the last frame (``None``: no room), and since when a better one has been free."""

    position: Position | None
    better_since: float | None


class SteadyLabels:
    """Places the labels of one clip's frames, in order of time.

    A label keeps its side of the box and its text while that keeps it clear of other labels, and moves to a better
    position once that has been free for ``PATIENCE``. So it neither flickers nor stays short forever.
    """

    def __init__(self) -> None:
        self._placed: dict[int, _Placed] = {}

    def place(
        self,
        people: Sequence[int],
        texts: Sequence[Texts],
        boxes: Sequence[Rectangle],
        size: tuple[int, int],
        time: float,
    ) -> list[Label | None]:
        """Labels of the ``people`` (their numbers) in a frame of ``size`` (w, h) shown at ``time`` seconds.

        ``texts``, ``boxes`` and the result are as for ``place_labels``.
        """
        layout = _Layout(texts, boxes, *size)
        kept = [self._keep(layout, index, person) for index, person in enumerate(people)]
        for index in range(len(people)):
            if not kept[index]:
                layout.labels[index] = layout.best(index)
        placed = {}
        for index, person in enumerate(people):
            better_since = self._better_since(layout, index, person, time) if kept[index] else None
            if better_since is not None and time - better_since >= PATIENCE:
                layout.labels[index] = layout.best(index)
                better_since = None
            label = layout.labels[index]
            placed[person] = _Placed(None if label is None else label.position, better_since)
        self._placed = placed
        return layout.labels

    def _keep(self, layout: "_Layout", index: int, person: int) -> bool:
        """Put the person's label where it was, if possible; a label that had no room stays out for now."""
        before = self._placed.get(person)
        if before is None or before.position is None:
            return before is not None
        layout.labels[index] = label = layout.kept(index, before.position)
        return label is not None

    def _better_since(self, layout: "_Layout", index: int, person: int, time: float) -> float | None:
        before, best = self._placed[person], layout.best(index)
        if best is None or best.position == before.position:
            return None
        return time if before.better_since is None else before.better_since


class _Layout:
    """The boxes and texts of one picture, and the labels placed so far."""

    def __init__(self, texts: Sequence[Texts], boxes: Sequence[Rectangle], width: int, height: int) -> None:
        self.labels: list[Label | None] = [None] * len(boxes)
        self._texts = texts
        self._boxes = boxes
        self._width = width
        self._height = height
        self._sizes = text_sizes(max(width, height))
        self._near = self._neighbours()

    def best(self, index: int) -> Label | None:
        """The first label, in order of preference, that touches no other label and covers no other face, or else the
        one that covers least."""
        faces = [self._boxes[near] for near in self._near[index]]
        taken = self._taken(index)
        best: Label | None = None
        smallest_cover = 0
        for position in self._positions(index):
            label = self._label(index, position)
            if label is None or _touching(label.rectangle, taken):
                continue
            cover = sum(shared_area(label.rectangle, face) for face in _touching(label.rectangle, faces))
            if cover == 0:
                return label
            if best is None or cover < smallest_cover:
                best, smallest_cover = label, cover
        return best

    def kept(self, index: int, position: Position) -> Label | None:
        """The box's label at ``position`` if it still fits the box and touches no other label."""
        if is_empty(self._boxes[index]) or position.size not in self._fitting_sizes(index, _MAX_KEPT_WIDTH):
            return None
        label = self._label(index, position)
        return None if label is None or _touching(label.rectangle, self._taken(index)) else label

    def _label(self, index: int, position: Position) -> Label | None:
        """The box's label at ``position``; ``None`` if that is not within the picture."""
        text = self._texts[index][position.text]
        tag_width, tag_height, padding = tag_size(text, position.size)
        left, top = position.side.corner(self._boxes[index], tag_width, tag_height)
        # Moved along the box's edge into the picture, but not across the edge.
        if position.side in BESIDE:
            top = min(max(top, 0), self._height - tag_height)
        else:
            left = min(max(left, 0), self._width - tag_width)
        if left < 0 or top < 0 or left + tag_width > self._width or top + tag_height > self._height:
            return None
        rectangle = (left, top, left + tag_width, top + tag_height)
        return Label(text, position.size, rectangle, (left + padding, top + padding // 2 + position.size), position)

    def _positions(self, index: int) -> Iterator[Position]:
        """Every way to label a box, in order of preference."""
        if is_empty(self._boxes[index]):
            return
        sizes = self._fitting_sizes(index, _MAX_WIDTH)
        for text in range(len(self._texts[index])):
            for sides in (OUTSIDE, INSIDE):
                for size in sizes:
                    for side in sides:
                        yield Position(text, size, side)

    def _fitting_sizes(self, index: int, max_width: float) -> list[int]:
        """The sizes in which the longest text is at most ``max_width`` box widths wide, and always the smallest."""
        box, text = self._boxes[index], self._texts[index][0]
        pixels = max_width * (box[2] - box[0])
        return [*(size for size in self._sizes[:-1] if tag_size(text, size)[0] <= pixels), self._sizes[-1]]

    def _taken(self, index: int) -> list[Rectangle]:
        """The labels that one of this box could touch."""
        return [other.rectangle for near in self._near[index] if (other := self.labels[near]) is not None]

    def _neighbours(self) -> list[list[int]]:
        """For each box, the others whose labels or boxes its label could touch."""
        if not self._boxes:
            return []
        largest = [self._fitting_sizes(index, _MAX_KEPT_WIDTH)[0] for index in range(len(self._boxes))]
        tags = [tag_size(texts[0], size)[:2] for texts, size in zip(self._texts, largest, strict=True)]
        boxes = np.array(self._boxes)
        low, high = boxes[:, :2] - tags, boxes[:, 2:] + tags
        near = ((low[:, None] < high[None]) & (low[None] < high[:, None])).all(axis=2)
        np.fill_diagonal(near, False)
        return [np.flatnonzero(row).tolist() for row in near]


def _touching(one: Rectangle, others: Sequence[Rectangle]) -> list[Rectangle]:
    """Those of ``others`` that share a pixel with ``one``."""
    left, top, right, bottom = one
    return [o for o in others if o[0] < right and left < o[2] and o[1] < bottom and top < o[3]]
