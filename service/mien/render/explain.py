"""The classifier's class-activation map as a heat map over the face."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.domain import Activation, Box, U8Array
from mien.render.canvas import pixel_rectangle, scaled

STRENGTH = 0.6  # opacity where the map is 1; where it is 0 the picture is untouched


def overlay(pixels: U8Array, activation: Activation, scale_x: float = 1.0, scale_y: float = 1.0) -> None:
    """Lay ``activation`` over ``pixels``, ``uint8 [h, w, 3]`` BGR, in place.

    ``scale_x`` and ``scale_y`` convert the full picture's pixels to those of ``pixels``. Opacity is proportional to the
    activation, so that only what mattered is coloured.
    """
    height, width = pixels.shape[:2]
    region = scaled(activation.region, scale_x, scale_y)
    left, top, right, bottom = pixel_rectangle(_bounds(region, activation.roll), width, height)
    if right <= left or bottom <= top:
        return
    # Sampled at the centre of every pixel of the region that is in the picture, in cells of the map.
    cells = activation.heat.shape[0]
    across, down = _in_region(np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5, region, activation.roll)
    heat = cv2.remap(
        np.clip(activation.heat, 0, 1).astype(np.float32),
        ((across + 0.5) * cells - 0.5).astype(np.float32),
        ((down + 0.5) * cells - 0.5).astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    inside = (np.abs(across) <= 0.5) & (np.abs(down) <= 0.5)
    heat = np.clip(heat, 0, 1) * inside
    colours = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    opacity = (heat * STRENGTH)[..., None]
    part = pixels[top:bottom, left:right]
    part[:] = np.rint(part * (1 - opacity) + colours * opacity).astype(np.uint8)


def _bounds(region: Box, roll: float) -> Box:
    """The upright rectangle around ``region`` rotated by ``roll`` degrees about its centre."""
    cosine, sine = abs(math.cos(math.radians(roll))), abs(math.sin(math.radians(roll)))
    width, height = region.width * cosine + region.height * sine, region.width * sine + region.height * cosine
    x, y = region.x + region.width / 2, region.y + region.height / 2
    return Box(x - width / 2, y - height / 2, width, height)


def _in_region(
    columns: NDArray[np.floating], rows: NDArray[np.floating], region: Box, roll: float
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Position of each pixel of a grid in the rotated region, along and down it, -0.5..0.5 inside: two ``[h, w]``."""
    x = columns[None, :] - (region.x + region.width / 2)
    y = rows[:, None] - (region.y + region.height / 2)
    cosine, sine = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    return (x * cosine + y * sine) / region.width, (y * cosine - x * sine) / region.height
