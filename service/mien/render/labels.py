"""What stands beside a box, how large, and on which side of it."""

import math
from dataclasses import dataclass
from enum import Enum

import cv2

from mien.domain import U8Array
from mien.render.geometry import Rectangle
from mien.render.palette import Bgr

SMALLEST_TEXT = 11  # px; below that, letters run together
LARGEST_TEXT = 40
_TEXT_SHARE = 1 / 55  # of the picture's long side
_LEAST_SHARE = _TEXT_SHARE / 2
_FONT_WEIGHT = 500
# Built into OpenCV; a label looks the same on every machine.
_FONT_NAME = "sans"

Texts = tuple[str, ...]
"""Ways to caption a face, the one that says most first."""


class Side(Enum):
    """Where a label touches its box, the most welcome first.

    A value says which sides of the box (0 to 3: left, top, right, bottom) the label starts from, and whether it lies
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


def text_sizes(long_side: int) -> tuple[int, ...]:
    """Sizes of letters, in pixels, for a picture with this ``long_side``: the largest first."""
    normal = round(min(max(long_side * _TEXT_SHARE, SMALLEST_TEXT + 2), LARGEST_TEXT))
    least = round(min(max(long_side * _LEAST_SHARE, SMALLEST_TEXT), LARGEST_TEXT / 2))
    return tuple(dict.fromkeys((normal, round(math.sqrt(normal * least)), least)))


def tag_size(text: str, size: int) -> tuple[int, int, int]:
    """Width and height of the tag around ``text`` in letters of ``size`` pixels, and its padding."""
    pad = max(3, size // 4)
    _, _, width, height = cv2.getTextSize((0, 0), text, (0, 0), cv2.FontFace(_FONT_NAME), size, _FONT_WEIGHT)
    return width + 2 * pad, height + pad, pad


def draw_text(pixels: U8Array, label: Label, colour: Bgr) -> None:
    """Write ``label`` on ``pixels``, ``uint8 [h, w, 3]``, in place."""
    cv2.putText(pixels, label.text, label.origin, colour, cv2.FontFace(_FONT_NAME), label.size, _FONT_WEIGHT)
