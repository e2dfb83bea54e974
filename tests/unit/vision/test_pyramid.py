"""Which scales, tiles and turns a picture is searched at."""

import math
from itertools import pairwise

import numpy as np
import pytest

from mien.domain import DetectorMode
from mien.vision.pyramid import (
    BUDGETS,
    COARSEST,
    OWNED_SIDE,
    TILE_OVERLAP,
    TILE_SIDE,
    Pass,
    finest_side,
    plan,
    plan_tiles,
)

SIZES = [(1, 1), (20, 9), (320, 320), (640, 480), (641, 480), (1080, 1920), (4000, 3000), (16_000, 12_000)]
WIDE = [(10_000, 1), (3, 60_000), (16_000, 900), (5000, 700)]


def passes(width: int, height: int, mode: DetectorMode, turned: bool = False) -> list[Pass]:
    return [each for each in plan(width, height, mode, 32) if bool(each.quarters) == turned]


@pytest.mark.parametrize(
    ("width", "height"), [(1920, 1280), (2560, 1707), (1920, 400), (641, 640), (640, 640), (100, 50)]
)
def test_tiles_cover_the_picture_and_overlap(width: int, height: int) -> None:
    tiles = plan_tiles(width, height, 640, 96)
    covered = np.zeros((height, width), dtype=int)
    for tile in tiles:
        assert tile.right - tile.left <= 640
        assert tile.bottom - tile.top <= 640
        covered[tile.top : tile.bottom, tile.left : tile.right] += 1
    assert covered.min() >= 1
    spans = sorted({(tile.left, tile.right) for tile in tiles})
    assert all(before[1] - following[0] >= 96 for before, following in pairwise(spans))


def test_tiles_overlap_no_more_than_needed() -> None:
    tiles = plan_tiles(1920, 1080, TILE_SIDE, TILE_OVERLAP)
    assert [(tile.left, tile.right, tile.bottom) for tile in tiles] == [(0, 1040, 1080), (880, 1920, 1080)]


def test_a_face_that_a_pass_owns_is_whole_in_one_tile() -> None:
    longest = OWNED_SIDE * math.sqrt(1.6)  # px, of a box 1.6 times as high as wide
    spans = sorted({(tile.left, tile.right) for tile in plan_tiles(5120, 3840, TILE_SIDE, TILE_OVERLAP)})
    for left in np.linspace(0, 5120 - longest, 2000):
        assert any(start <= left and left + longest <= end for start, end in spans)


@pytest.mark.parametrize("mode", list(DetectorMode))
@pytest.mark.parametrize(("width", "height"), [*SIZES, *WIDE])
def test_the_budget_bounds_the_input(width: int, height: int, mode: DetectorMode) -> None:
    for turned, budget in ((False, BUDGETS[mode].upright), (True, BUDGETS[mode].turned)):
        chosen = passes(width, height, mode, turned)
        assert sum(each.input_pixels(32) for each in chosen) <= budget
    assert all(tile.right - tile.left <= TILE_SIDE for each in chosen for tile in each.tiles)


@pytest.mark.parametrize("mode", list(DetectorMode))
@pytest.mark.parametrize(("width", "height"), [*SIZES, *WIDE])
def test_every_scale_below_the_finest_is_searched(width: int, height: int, mode: DetectorMode) -> None:
    sides = [each.long_side for each in passes(width, height, mode)][::-1]
    assert sides == [COARSEST * 2**level for level in range(len(sides))]
    assert sides[-1] < 2 * max(width, height, COARSEST)


@pytest.mark.parametrize("mode", list(DetectorMode))
def test_a_larger_picture_is_searched_at_the_scales_of_a_smaller_one(mode: DetectorMode) -> None:
    plans = [plan(4 * side, 3 * side, mode, 32) for side in (1, 40, 80, 81, 160, 161, 320, 480, 640, 1500, 4000)]
    for smaller, larger in pairwise(plans):
        assert set(smaller) <= set(larger)


def test_a_larger_budget_has_the_passes_of_a_smaller_one() -> None:
    fast, auto, accurate = (
        set(plan(4000, 3000, mode, 32)) for mode in (DetectorMode.FAST, DetectorMode.AUTO, DetectorMode.ACCURATE)
    )
    assert fast < auto < accurate


def test_ranges_of_sizes_overlap() -> None:
    for finer, coarser in pairwise(passes(6000, 4000, DetectorMode.ACCURATE)):
        largest = finer.max_side / finer.long_side  # of the picture's long side
        assert largest * coarser.long_side >= 4 * 8  # 8 px is what a pass sees, so that two octaves are shared
        assert coarser.max_side / coarser.long_side > largest
    assert passes(6000, 4000, DetectorMode.ACCURATE)[-1].max_side == math.inf


@pytest.mark.parametrize(
    ("mode", "side"), [(DetectorMode.FAST, 320), (DetectorMode.AUTO, 1280), (DetectorMode.ACCURATE, 2560)]
)
def test_the_finest_side_of_each_mode(mode: DetectorMode, side: int) -> None:
    assert finest_side(mode) == side
    for size in (3000, 12_000):
        assert passes(size, size, mode)[0].long_side == side
        assert passes(size, 3 * size // 4, mode)[0].long_side >= side
