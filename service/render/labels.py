"""What stands beside a box, how large, and where there is room for it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np

from service.render.geometry import Rectangle, is_empty, shared_area

SMALLEST_TEXT = 11  # px; below that, letters run together
LARGEST_TEXT = 40
_TEXT_SHARE = 1 / 55  # of the picture's long side
_LEAST_SHARE = _TEXT_SHARE / 2
# Box widths that a label takes at most, unless its letters are the smallest: where it is chosen, and where it is kept.
_ROOM, _KEPT_ROOM = 1.5, 2.0
_FONT_WEIGHT = 500
# Built into OpenCV; a label looks the same on every machine.
_FONT_NAME = "sans"

Texts = tuple[str, ...]
"""Ways to caption a face, the one that says most first."""


class Side(IntEnum):
    """Where a label touches its box; those from ``INSIDE_TOP`` on cover a part of the face."""

    ABOVE = 0
    BELOW = 1
    ABOVE_FLUSH_RIGHT = 2
    BELOW_FLUSH_RIGHT = 3
    RIGHT = 4
    LEFT = 5
    RIGHT_FOOT = 6
    LEFT_FOOT = 7
    INSIDE_TOP = 8
    INSIDE_BOTTOM = 9


_OUTSIDE = tuple(side for side in Side if side < Side.INSIDE_TOP)
_INSIDE = tuple(side for side in Side if side >= Side.INSIDE_TOP)


@dataclass(frozen=True, slots=True)
class Spot:
    """A way to label a face: which of its texts, in letters of how many pixels, on which side of the box."""

    text: int
    size: int
    side: Side


@dataclass(frozen=True, slots=True)
class Label:
    """``text`` of ``size`` pixels in a tag that covers ``rectangle``; its baseline starts at ``origin``."""

    text: str
    size: int
    rectangle: Rectangle
    origin: tuple[int, int]
    spot: Spot


def captions(number: int, emotion: str, score: float, uncertain: bool = False) -> Texts:
    """``1 happy 0.93``, ``1 happy`` and ``1``; an uncertain emotion has a question mark."""
    word = f"{number} {emotion}?" if uncertain else f"{number} {emotion}"
    return f"{word} {score:.2f}", word, str(number)


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
        self._sizes = _sizes(max(width, height))
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
        label = self.label(index, spot)
        if label is None or _touches(label.rectangle, self._taken(index)):
            return None
        fits = spot.size == self._sizes[-1] or _width(label.rectangle) <= _KEPT_ROOM * _width(self._boxes[index])
        return label if fits else None

    def label(self, index: int, spot: Spot) -> Label | None:
        """The box's label at ``spot``; ``None`` where that would not be within the picture."""
        text = self._texts[index][spot.text]
        tag_width, tag_height, pad = self._tag(text, spot.size)
        left, top = _corner(self._boxes[index], spot.side, tag_width, tag_height)
        # Moved along the box's edge into the picture, but not over the edge.
        if spot.side in (Side.RIGHT, Side.LEFT, Side.RIGHT_FOOT, Side.LEFT_FOOT):
            top = min(max(top, 0), self._height - tag_height)
        else:
            left = min(max(left, 0), self._width - tag_width)
        if left < 0 or top < 0 or left + tag_width > self._width or top + tag_height > self._height:
            return None
        rectangle = (left, top, left + tag_width, top + tag_height)
        return Label(text, spot.size, rectangle, (left + pad, top + pad // 2 + spot.size), spot)

    def _spots(self, index: int) -> Iterator[Spot]:
        """Every way to label a box, the most welcome first."""
        box = self._boxes[index]
        if is_empty(box):
            return
        texts = self._texts[index]
        room = _ROOM * _width(box)
        fitting = [size for size in self._sizes[:-1] if self._tag(texts[0], size)[0] <= room]
        for text in range(len(texts)):
            for sides in (_OUTSIDE, _INSIDE):
                for size in (*fitting, self._sizes[-1]):
                    for side in sides:
                        yield Spot(text, size, side)

    def _tag(self, text: str, size: int) -> tuple[int, int, int]:
        """Width and height of the tag around ``text``, and its padding."""
        known = self._tags.get((text, size))
        if known is None:
            pad = max(3, size // 4)
            font = cv2.FontFace(_FONT_NAME)
            _, _, text_width, text_height = cv2.getTextSize((0, 0), text, (0, 0), font, size, _FONT_WEIGHT)
            known = self._tags[text, size] = (text_width + 2 * pad, text_height + pad, pad)
        return known

    def _taken(self, index: int) -> list[Rectangle]:
        """The labels of others that one of this box could touch."""
        return [other.rectangle for near in self._near[index] if (other := self.labels[near]) is not None]

    def _neighbours(self) -> list[list[int]]:
        """For each box, the others whose labels or boxes a label of its could touch."""
        if not self._boxes:
            return []
        reach = np.array([self._reach(texts[0], box) for texts, box in zip(self._texts, self._boxes, strict=True)])
        boxes = np.array(self._boxes)
        low, high = boxes[:, :2] - reach, boxes[:, 2:] + reach
        near = ((low[:, None] < high[None]) & (low[None] < high[:, None])).all(axis=2)
        np.fill_diagonal(near, False)
        return [np.flatnonzero(row).tolist() for row in near]

    def _reach(self, text: str, box: Rectangle) -> tuple[int, int]:
        """The width and height of the largest label that a box may have."""
        fitting = (size for size in self._sizes if self._tag(text, size)[0] <= _KEPT_ROOM * _width(box))
        return self._tag(text, next(fitting, self._sizes[-1]))[:2]


def draw_text(pixels: np.ndarray, label: Label, colour: tuple[int, int, int]) -> None:
    """Write ``label`` on ``pixels``, ``uint8 [h, w, 3]``, in place."""
    cv2.putText(pixels, label.text, label.origin, colour, cv2.FontFace(_FONT_NAME), label.size, _FONT_WEIGHT)


def _width(rectangle: Rectangle) -> int:
    return rectangle[2] - rectangle[0]


def _touches(one: Rectangle, others: Sequence[Rectangle]) -> list[Rectangle]:
    """Those of ``others`` that share a pixel with ``one``."""
    left, top, right, bottom = one
    return [o for o in others if o[0] < right and left < o[2] and o[1] < bottom and top < o[3]]


def _sizes(long_side: int) -> tuple[int, ...]:
    """Sizes of letters in a picture, the most welcome first."""
    normal = round(min(max(long_side * _TEXT_SHARE, SMALLEST_TEXT + 2), LARGEST_TEXT))
    least = round(min(max(long_side * _LEAST_SHARE, SMALLEST_TEXT), LARGEST_TEXT / 2))
    return tuple(dict.fromkeys((normal, round(math.sqrt(normal * least)), least)))


def _corner(box: Rectangle, side: Side, width: int, height: int) -> tuple[int, int]:
    """The left and top of a tag of ``width`` x ``height`` on that side of ``box``."""
    left, top, right, bottom = box
    match side:
        case Side.ABOVE:
            return left, top - height
        case Side.BELOW:
            return left, bottom
        case Side.ABOVE_FLUSH_RIGHT:
            return right - width, top - height
        case Side.BELOW_FLUSH_RIGHT:
            return right - width, bottom
        case Side.RIGHT:
            return right, top
        case Side.LEFT:
            return left - width, top
        case Side.RIGHT_FOOT:
            return right, bottom - height
        case Side.LEFT_FOOT:
            return left - width, bottom - height
        case Side.INSIDE_TOP:
            return left, top
        case Side.INSIDE_BOTTOM:
            return left, bottom - height
