"""Where the classifier looked: its class-activation map as heat over the face."""

import cv2
import numpy as np

from service.domain import Activation, U8Array
from service.render.geometry import pixel_rectangle, scaled

STRENGTH = 0.6  # opacity where the map is 1; where it is 0 the picture is untouched


def overlay(pixels: U8Array, activation: Activation, scale_x: float = 1.0, scale_y: float = 1.0) -> None:
    """Lay ``activation`` over ``pixels``, ``uint8 [h, w, 3]`` BGR, in place.

    ``scale_x`` and ``scale_y`` take the full picture's pixels to those of ``pixels``. Opacity follows the heat, so
    that only what mattered is coloured.
    """
    height, width = pixels.shape[:2]
    region = scaled(activation.region, scale_x, scale_y)
    left, top, right, bottom = pixel_rectangle(region, width, height)
    if right <= left or bottom <= top:
        return
    # Sampled at the middle of every pixel, in cells of the map: only the part of the region that is in the picture.
    cells = activation.heat.shape[0]
    columns = ((np.arange(left, right) + 0.5 - region.x) / region.width * cells - 0.5).astype(np.float32)
    rows = ((np.arange(top, bottom) + 0.5 - region.y) / region.height * cells - 0.5).astype(np.float32)
    heat = cv2.remap(
        np.clip(activation.heat, 0, 1).astype(np.float32),
        np.broadcast_to(columns, (rows.size, columns.size)).copy(),
        np.broadcast_to(rows[:, None], (rows.size, columns.size)).copy(),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    heat = np.clip(heat, 0, 1)
    colours = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    opacity = (heat * STRENGTH)[..., None]
    part = pixels[top:bottom, left:right]
    part[:] = np.rint(part * (1 - opacity) + colours * opacity).astype(np.uint8)
