"""The plan of a search: which scales of a picture the detector sees, in which tiles, and which faces each pass owns.

The scales are the same for every picture: long sides of 320, 640, 1,280, ... px of the network's input, so a larger
copy of a picture is searched at the scales of the smaller one and possibly at finer ones. A scale is part of the plan
if the one below it does not yet show the whole picture at full size, and if all passes up to it fit into the mode's
budget of input pixels. That is the only difference between the modes.

Each pass owns a range of face sizes. A face of 48 px at one scale has 24 px at the next coarser one, so the ranges of
neighbours overlap and no size is lost between them. All but the coarsest pass leave faces over ``OWNED_SIDE`` px to
that one: at a fine scale a wheel or a fist looks like a face more often, and a tile may show only part of a large face.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from mien.domain import DetectorMode

COARSEST = 320  # px, long side of the network's input


@dataclass(frozen=True, slots=True)
class Budget:
    """Input pixels per picture, with the padding to whole cells: ``upright`` for the picture as it is, ``turned`` for
    the picture turned by 90, 180 and 270 degrees."""

    upright: int
    turned: int = 0


BUDGETS: Mapping[DetectorMode, Budget] = MappingProxyType(
    {
        DetectorMode.FAST: Budget(COARSEST**2),
        DetectorMode.AUTO: Budget(2_200_000),  # to 1,280 px, also of a square picture
        DetectorMode.ACCURATE: Budget(
            33_000_000, 1_600_000
        ),  # to 2,560 px, to 5,120 px of a 4:3 picture, and to 640 px turned
    }
)
OWNED_SIDE = 96.0  # px of the input, root of the area
_KNOWN_SIZES = 256  # of pictures, whose plans are kept: a clip's or a camera's have one
TILE_SIDE = 1280  # px of the input
TILE_OVERLAP = 160  # px: a face of OWNED_SIDE, one and a half times as long as wide, is whole in one of two tiles


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a scaled picture, in its pixels."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Pass:
    """One look at the picture: fitted to ``width`` x ``height`` px, turned counter-clockwise by ``quarters`` quarter
    turns and searched in ``tiles``.

    ``max_side`` is the side (root of the area) of the largest face that this pass owns, in input pixels.
    """

    width: int
    height: int
    quarters: int
    tiles: tuple[Tile, ...]
    max_side: float

    @property
    def long_side(self) -> int:
        return max(self.width, self.height)

    def input_pixels(self, multiple: int) -> int:
        """Of all tiles, each padded to a ``multiple`` of px."""
        sides = [(tile.right - tile.left, tile.bottom - tile.top) for tile in self.tiles]
        return sum(math.ceil(width / multiple) * math.ceil(height / multiple) * multiple**2 for width, height in sides)


@lru_cache(_KNOWN_SIZES)
def plan(width: int, height: int, mode: DetectorMode, multiple: int) -> tuple[Pass, ...]:
    """The passes over a picture of ``width`` x ``height`` px, finest first; the network pads its input to a
    ``multiple`` of px.

    There is always a pass at the coarsest scale.
    """
    budget, scales = BUDGETS[mode], list(_scales(width, height))
    upright = _affordable([[_pass(size)] for size in scales], budget.upright, multiple) or [_pass(scales[0])]
    turned = _affordable([[_pass(size, q) for q in (1, 2, 3)] for size in scales], budget.turned, multiple)
    return tuple(sorted([*upright, *turned], key=lambda each: -each.long_side))


def finest_side(mode: DetectorMode) -> int:
    """The long side in px of the finest scale that the budget pays for in a square picture."""
    side, spent = COARSEST, COARSEST**2
    while spent + (2 * side) ** 2 <= BUDGETS[mode].upright:
        side *= 2
        spent += side**2
    return side


def _scales(width: int, height: int) -> Iterator[tuple[int, int]]:
    """The picture's sizes in px, coarsest first; the finest is the first that shows all of it."""
    long_side, side = max(width, height), COARSEST
    while True:
        yield max(1, round(width * side / long_side)), max(1, round(height * side / long_side))
        if side >= long_side:
            return
        side *= 2


def _pass(size: tuple[int, int], quarters: int = 0) -> Pass:
    width, height = size if quarters % 2 == 0 else size[::-1]
    tiles = tuple(plan_tiles(width, height, TILE_SIDE, TILE_OVERLAP))
    return Pass(*size, quarters, tiles, math.inf if max(size) == COARSEST else OWNED_SIDE)


def _affordable(levels: list[list[Pass]], budget: int, multiple: int) -> list[Pass]:
    """The passes of the first levels that together fit into ``budget`` input pixels."""
    chosen: list[Pass] = []
    for level in levels:
        budget -= sum(each.input_pixels(multiple) for each in level)
        if budget < 0:
            break
        chosen += level
    return chosen


def plan_tiles(width: int, height: int, max_side: int, overlap: int) -> list[Tile]:
    """The fewest tiles of at most ``max_side`` that cover the picture, equal in size, overlapping by ``overlap`` or
    more."""
    columns, rows = _spans(width, max_side, overlap), _spans(height, max_side, overlap)
    return [Tile(left, top, right, bottom) for top, bottom in rows for left, right in columns]


def _spans(length: int, max_side: int, overlap: int) -> list[tuple[int, int]]:
    if length <= max_side:
        return [(0, length)]
    count = math.ceil((length - overlap) / (max_side - overlap))
    side = math.ceil((length + (count - 1) * overlap) / count)
    starts = [(length - side) * step // (count - 1) for step in range(count)]
    return [(start, start + side) for start in starts]
