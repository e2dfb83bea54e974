"""How a face is framed for the classifier: the one place where the crop's geometry is written down.

FER2013's tiles were cut by a face detector of 2013, tighter than a modern box is tall. Running our detector on
enlarged, padded tiles shows where its box sits in them; the crop below is the square that puts a face back there.
``training.emotion.framing`` measures the constants.
"""

import cv2
import numpy as np

from service.domain import Box, F32Array, U8Array

TILE = 48  # px, the classifier's input

# Median place of our detector's box in a FER+ tile, in tile sides.
BOX_IN_TILE_WIDTH = 0.78
BOX_IN_TILE_HEIGHT = 1.00
BOX_IN_TILE_CENTRE_X = 0.50
BOX_IN_TILE_CENTRE_Y = 0.51


def crop_region(box: F32Array) -> Box:
    """The square, in the box's own frame, that frames a face (left, top, right, bottom) as the tiles do.

    It may reach past the picture.
    """
    width, height = float(box[2] - box[0]), float(box[3] - box[1])
    # The geometric mean of what width and height say: either alone wobbles with pose and open mouths.
    side = float(np.sqrt(max(width, 1e-3) / BOX_IN_TILE_WIDTH * max(height, 1e-3) / BOX_IN_TILE_HEIGHT))
    x = float(box[0]) + width / 2 - BOX_IN_TILE_CENTRE_X * side
    y = float(box[1]) + height / 2 - BOX_IN_TILE_CENTRE_Y * side
    return Box(x, y, side, side)


def crop_tile(pixels: U8Array, region: Box) -> U8Array:
    """Cut ``region`` (in pixels of ``pixels``, ``uint8 [h, w, 3]`` BGR) as a grey tile, ``uint8 [48, 48]``.

    The region's centre must lie in the picture; what lies past the border repeats the border.
    """
    height, width = pixels.shape[:2]
    side = max(1, round(region.width))
    left, top = round(region.x), round(region.y)
    right, bottom = left + side, top + side
    inner = pixels[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    grey = cv2.cvtColor(inner, cv2.COLOR_BGR2GRAY)
    margins = (max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0))
    if any(margins):
        grey = cv2.copyMakeBorder(grey, *margins, cv2.BORDER_REPLICATE)
    interpolation = cv2.INTER_AREA if side > TILE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (TILE, TILE), interpolation=interpolation), dtype=np.uint8)
