"""How a face is framed for the classifier: the one place where the crop's geometry is written down.

FER2013's tiles were cut by a face detector of 2013, tighter than a modern box is tall. Running our detector on
enlarged, padded tiles shows where its box sits in them; the crop below is the square that puts a face back there, a
little tighter, turned until it leans no more than faces in the tiles do. ``training.end_to_end.framing`` measures where
boxes sit, ``training.end_to_end.tightness`` how tight is best.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from mien.domain import F32Array, U8Array

TILE = 48  # px, the classifier's input

# Median place of our detector's box in a FER+ tile, in tile sides.
BOX_IN_TILE_WIDTH = 0.81
BOX_IN_TILE_HEIGHT = 0.99
BOX_IN_TILE_CENTRE_X = 0.503
BOX_IN_TILE_CENTRE_Y = 0.522

# Of the tile's square: a box errs by an eighth of its side, and a crop that is too wide loses more than one that is as
# much too tight. How far up the crop's middle lies, in sides of that square.
TIGHTER = 0.93
RAISED = 0.015

# Degrees that a face keeps of its lean. Four of five tiles lean by less than 11, and a landmark that is a pixel off
# turns a small face by as much: taking out all of it costs upright faces what it gains the others.
LEAN = 8.0

_MAX_SAMPLES = 12  # a side, a tile pixel; faces over 576 px are sampled more thinly than every pixel


@dataclass(frozen=True, slots=True)
class CropSquare:
    """The square that the classifier sees: its centre, its side and its clockwise turn in degrees.

    In pixels of the picture in which the face was found; it may reach past the border.
    """

    x: float
    y: float
    side: float
    roll: float

    def scaled(self, scale: float) -> "CropSquare":
        """The same square in a picture that is ``scale`` times as large."""
        return CropSquare(self.x * scale, self.y * scale, self.side * scale, self.roll)

    def tighter(self, share: float, raised: float) -> "CropSquare":
        """``share`` of its side, and its middle ``raised`` of its side further up the face."""
        roll, up = math.radians(self.roll), raised * self.side
        return CropSquare(self.x + up * math.sin(roll), self.y - up * math.cos(roll), share * self.side, self.roll)


def crop_square(box: F32Array, landmarks: F32Array) -> CropSquare:
    """The square that the classifier is shown: ``box`` is ``[4]`` (left, top, right, bottom), ``landmarks`` ``[5, 2]``.

    That of the tiles, made a little tighter.
    """
    return tile_square(box, landmarks).tighter(TIGHTER, RAISED)


def tile_square(box: F32Array, landmarks: F32Array) -> CropSquare:
    """Frame a face as the tiles do: ``box`` is ``[4]`` (left, top, right, bottom), ``landmarks`` ``[5, 2]``."""
    left, top, right, bottom = (float(value) for value in box)
    width, height = max(right - left, 1e-3), max(bottom - top, 1e-3)
    # The geometric mean of what width and height say: either alone wobbles with pose and open mouths.
    side = math.sqrt(width / BOX_IN_TILE_WIDTH * height / BOX_IN_TILE_HEIGHT)
    lean = roll_of(landmarks)
    roll = lean - min(max(lean, -LEAN), LEAN)
    # The tile's middle, as seen from the box's: the offset turns with the face.
    along, down = (0.5 - BOX_IN_TILE_CENTRE_X) * side, (0.5 - BOX_IN_TILE_CENTRE_Y) * side
    cosine, sine = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    x = (left + right) / 2 + along * cosine - down * sine
    y = (top + bottom) / 2 + along * sine + down * cosine
    return CropSquare(x, y, side, roll)


def roll_of(landmarks: F32Array) -> float:
    """In-plane turn of a face in degrees, clockwise positive, 0 upright; from ``landmarks`` ``[5, 2]``.

    The line through the eyes and the one from eyes to mouth each count by their length: in a profile the eyes nearly
    coincide and the other one carries the answer.
    """
    right_eye, left_eye, _, right_mouth, left_mouth = landmarks
    across = left_eye - right_eye
    down = (right_mouth + left_mouth) / 2 - (right_eye + left_eye) / 2
    return math.degrees(math.atan2(float(across[1] - down[0]), float(across[0] + down[1])))


def crop_tile(pixels: U8Array, square: CropSquare) -> U8Array:
    """Cut ``square`` out of ``uint8 [h, w, 3]`` BGR as a grey tile, ``uint8 [48, 48]``.

    Large faces are averaged down, not sampled: each tile pixel is the mean of a grid as fine as the picture's. The
    square's centre must lie in the picture; what lies past the border repeats the border.
    """
    samples = min(max(1, math.ceil(square.side / TILE)), _MAX_SAMPLES)
    fine = TILE * samples
    grey, left, top = _grey_around(pixels, square)
    scale = square.side / fine
    cosine, sine = scale * math.cos(math.radians(square.roll)), scale * math.sin(math.radians(square.roll))
    # Maps the centre of fine pixel (u, v) to a place in the grey cut-out, whose pixel centres are whole numbers.
    middle = (fine - 1) / 2
    x, y = square.x - 0.5 - left, square.y - 0.5 - top
    matrix = np.asarray(
        [[cosine, -sine, x - middle * (cosine - sine)], [sine, cosine, y - middle * (sine + cosine)]], dtype=np.float64
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    tile = cv2.warpAffine(grey, matrix, (fine, fine), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    if samples > 1:
        tile = cv2.resize(tile, (TILE, TILE), interpolation=cv2.INTER_AREA)
    return np.asarray(tile, dtype=np.uint8)


def _grey_around(pixels: U8Array, square: CropSquare) -> tuple[U8Array, int, int]:
    """The part of the picture that the square can touch, in grey, and its left and top."""
    height, width = pixels.shape[:2]
    reach = square.side * math.sqrt(0.5) + 2
    left, right = max(0, math.floor(square.x - reach)), min(width, math.ceil(square.x + reach))
    top, bottom = max(0, math.floor(square.y - reach)), min(height, math.ceil(square.y + reach))
    grey = cv2.cvtColor(pixels[top:bottom, left:right], cv2.COLOR_BGR2GRAY)
    return np.asarray(grey, dtype=np.uint8), left, top
