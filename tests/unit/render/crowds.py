"""Boxes of crowds, at random and in rows."""

import numpy as np

from mien.render.canvas import Rectangle


def crowd(seed: int, count: int, size: tuple[int, int], sides: tuple[int, int]) -> list[Rectangle]:
    """``count`` square boxes of ``sides`` (min, max) pixels anywhere in a picture of ``size`` (w, h)."""
    chance = np.random.default_rng(seed)
    boxes = []
    for _ in range(count):
        side = int(chance.integers(*sides))
        left, top = int(chance.integers(0, size[0] - side)), int(chance.integers(0, size[1] - side))
        boxes.append((left, top, left + side, top + side))
    return boxes


def rows_of_people(across: int, down: int, side: int, pitch: tuple[int, int]) -> list[Rectangle]:
    """Boxes in rows, as in a picture of a class."""
    corners = [(20 + x * pitch[0], 60 + y * pitch[1]) for y in range(down) for x in range(across)]
    return [(left, top, left + side, top + side) for left, top in corners]
