"""Labels of faces: their texts, sizes and possible positions around a box."""

import math
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from mien.render.canvas import MEDIUM, Rectangle, text_size

MIN_TEXT = 11  # px; below that, letters run together
MAX_TEXT = 40
_TEXT_SHARE = 1 / 55  # of the picture's long side

Texts = tuple[str, ...]
"""Captions of a face, from the longest to the shortest."""


class Side(Enum):
    """Where a label touches its box, in order of preference.

    A value says which side of the box (0 to 3: left, top, right, bottom) the label starts from and whether it lies
    before it: x, before x, y, before y.
    """

    ABOVE = (0, False, 1, True)
    BELOW = (0, False, 3, False)
    ABOVE_FLUSH_RIGHT = (2, True, 1, True)
    BELOW_FLUSH_RIGHT = (2, True, 3, False)
    RIGHT = (2, False, 1, False)
    LEFT = (0, True, 1, False)
    RIGHT_FOOT = (2, False, 3, True)
    LEFT_FOOT = (0, True, 3, True)
    INSIDE_TOP = (0, False, 1, False)
    INSIDE_BOTTOM = (0, False, 3, True)

    def corner(self, box: Rectangle, width: int, height: int) -> tuple[int, int]:
        """The left and top of a tag of ``width`` x ``height`` on this side of ``box``."""
        x, before_x, y, before_y = self.value
        return box[x] - (width if before_x else 0), box[y] - (height if before_y else 0)


INSIDE = (Side.INSIDE_TOP, Side.INSIDE_BOTTOM)
"""The sides on which a label covers a part of its own face."""
BESIDE = (Side.RIGHT, Side.LEFT, Side.RIGHT_FOOT, Side.LEFT_FOOT)
OUTSIDE = tuple(side for side in Side if side not in INSIDE)


@dataclass(frozen=True, slots=True)
class Position:
    """A way to label a face: the index of its text, the size of the letters in pixels, and the side of the box."""

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
    position: Position


def captions(number: int, emotion: str, score: float, uncertain: bool = False) -> Texts:
    """``1 happy 0.93``, ``1 happy`` and ``1``; an uncertain emotion is marked with a question mark."""
    word = f"{number} {emotion}?" if uncertain else f"{number} {emotion}"
    return f"{word} {score:.2f}", word, str(number)


def text_sizes(long_side: int) -> tuple[int, ...]:
    """Letter sizes in pixels for a picture with this ``long_side``, largest first."""
    normal = round(min(max(long_side * _TEXT_SHARE, MIN_TEXT + 2), MAX_TEXT))
    smallest = round(min(max(long_side * _TEXT_SHARE / 2, MIN_TEXT), MAX_TEXT / 2))
    return tuple(dict.fromkeys((normal, round(math.sqrt(normal * smallest)), smallest)))


@lru_cache(maxsize=4096)
def tag_size(text: str, size: int) -> tuple[int, int, int]:
    """Width and height of the tag around ``text`` in letters of ``size`` pixels, and its padding."""
    padding = max(3, size // 4)
    width, height = text_size(text, size, MEDIUM)
    return width + 2 * padding, height + padding, padding
