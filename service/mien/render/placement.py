"""Where there is room for the labels of many boxes."""

from collections.abc import Iterator, Sequence

import numpy as np

from mien.render.geometry import Rectangle, is_empty, shared_area
from mien.render.labels import BESIDE, INSIDE, OUTSIDE, Label, Spot, Texts, tag_size, text_sizes

# Box widths that a label takes at most, unless its letters are the smallest: where it is chosen, and where it is kept.
_ROOM, _KEPT_ROOM = 1.5, 2.0


def place_labels(texts: Sequence[Texts], boxes: Sequence[Rectangle], width: int, height: int) -> list[Label | None]:
    """A label for each box, within a picture of ``width`` x ``height``, none over another.

    The first faces choose first. Where there is no room beside the other faces a label gets smaller, then shorter;
    where not even the shortest text is free of other labels there is none.
    """
    board = Board(texts, boxes, width, height)
    for index in range(len(boxes)):
        board.put(index, board.best(index))
    return board.labels


class Board:
    """Boxes with their texts, and the labels given to them so far. Greedy; a label sees only what is in its reach."""

    def __init__(self, texts: Sequence[Texts], boxes: Sequence[Rectangle], width: int, height: int) -> None:
        self.labels: list[Label | None] = [None] * len(boxes)
        self._texts = texts
        self._boxes = boxes
        self._width = width
        self._height = height
        self._sizes = text_sizes(max(width, height))
        self._tags: dict[tuple[str, int], tuple[int, int, int]] = {}
        self._near = self._neighbours()

    def put(self, index: int, label: Label | None) -> None:
        """Give the box ``index`` this label in place of the one that it has."""
        self.labels[index] = label

    def best(self, index: int) -> Label | None:
        """The most welcome label for a box that lies on no other's label: one that also covers no other face,
        or else that which covers least."""
        faces = [self._boxes[near] for near in self._near[index]]
        taken = self._taken(index)
        best: Label | None = None
        least = 0
        for spot in self._spots(index):
            label = self.label(index, spot)
            if label is None or _touches(label.rectangle, taken):
                continue
            cover = sum(shared_area(label.rectangle, face) for face in _touches(label.rectangle, faces))
            if cover == 0:
                return label
            if best is None or cover < least:
                best, least = label, cover
        return best

    def kept(self, index: int, spot: Spot) -> Label | None:
        """The box's label at ``spot`` if it still fits the box and lies on no other's label."""
        if is_empty(self._boxes[index]) or spot.size not in self._fitting(index, _KEPT_ROOM):
            return None
        label = self.label(index, spot)
        return None if label is None or _touches(label.rectangle, self._taken(index)) else label

    def label(self, index: int, spot: Spot) -> Label | None:
        """The box's label at ``spot``; ``None`` where that would not be within the picture."""
        text = self._texts[index][spot.text]
        tag_width, tag_height, pad = self._tag(text, spot.size)
        left, top = spot.side.corner(self._boxes[index], tag_width, tag_height)
        # Moved along the box's edge into the picture, but not over the edge.
        if spot.side in BESIDE:
            top = min(max(top, 0), self._height - tag_height)
        else:
            left = min(max(left, 0), self._width - tag_width)
        if left < 0 or top < 0 or left + tag_width > self._width or top + tag_height > self._height:
            return None
        rectangle = (left, top, left + tag_width, top + tag_height)
        return Label(text, spot.size, rectangle, (left + pad, top + pad // 2 + spot.size), spot)

    def _spots(self, index: int) -> Iterator[Spot]:
        """Every way to label a box, the most welcome first."""
        if is_empty(self._boxes[index]):
            return
        fitting = self._fitting(index, _ROOM)
        for text in range(len(self._texts[index])):
            for sides in (OUTSIDE, INSIDE):
                for size in fitting:
                    for side in sides:
                        yield Spot(text, size, side)

    def _fitting(self, index: int, room: float) -> list[int]:
        """The sizes in which the fullest text is at most ``room`` box widths wide, and the smallest in any case."""
        box, text = self._boxes[index], self._texts[index][0]
        most = room * (box[2] - box[0])
        return [*(size for size in self._sizes[:-1] if self._tag(text, size)[0] <= most), self._sizes[-1]]

    def _tag(self, text: str, size: int) -> tuple[int, int, int]:
        known = self._tags.get((text, size))
        if known is None:
            known = self._tags[text, size] = tag_size(text, size)
        return known

    def _taken(self, index: int) -> list[Rectangle]:
        """The labels of others that one of this box could touch."""
        return [other.rectangle for near in self._near[index] if (other := self.labels[near]) is not None]

    def _neighbours(self) -> list[list[int]]:
        """For each box, the others whose labels or boxes a label of its could touch."""
        if not self._boxes:
            return []
        largest = [self._fitting(index, _KEPT_ROOM)[0] for index in range(len(self._boxes))]
        tags = [self._tag(texts[0], size)[:2] for texts, size in zip(self._texts, largest, strict=True)]
        boxes = np.array(self._boxes)
        low, high = boxes[:, :2] - tags, boxes[:, 2:] + tags
        near = ((low[:, None] < high[None]) & (low[None] < high[:, None])).all(axis=2)
        np.fill_diagonal(near, False)
        return [np.flatnonzero(row).tolist() for row in near]


def _touches(one: Rectangle, others: Sequence[Rectangle]) -> list[Rectangle]:
    """Those of ``others`` that share a pixel with ``one``."""
    left, top, right, bottom = one
    return [o for o in others if o[0] < right and left < o[2] and o[1] < bottom and top < o[3]]
