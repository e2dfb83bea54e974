"""Face alignment: the crop that the classifier gets. Its geometry is defined here and nowhere else.

The images of FER2013 were cropped by a face detector of 2013, tighter than the height of a modern box. The constants
below say where the box of our detector lies in them, measured on enlarged, padded images; the crop is the square that
puts a face there, slightly tighter, and rotated until it leans no more than faces in these images do.
``training.end_to_end`` measures what is lost between such an image and the crop of a face found in a photograph.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from mien.domain import F32Array, U8Array

CROP_SIDE = 48  # px, the classifier's input

# Median position of our detector's box in a FER+ image, in sides of the image.
FER_BOX_WIDTH = 0.81
FER_BOX_HEIGHT = 0.99
FER_BOX_CENTRE_X = 0.503
FER_BOX_CENTRE_Y = 0.522

# Side of the crop, and how far its centre is raised, in sides of the FER+ square. A box errs by an eighth of its side,
# and a crop that is too wide costs more accuracy than one that is too tight by as much.
CROP_SCALE = 0.93
CROP_RAISE = 0.015

# Roll in degrees that a face keeps. Four of five FER+ faces lean by less than 11, and a landmark that is one pixel off
# rotates a small face by as much: removing all of the roll costs upright faces what it gains the others.
KEPT_ROLL = 8.0

_MAX_SAMPLES = 12  # per crop pixel and axis; faces over 576 px are sampled more sparsely than every pixel


@dataclass(frozen=True, slots=True)
class CropSquare:
    """The square to crop: its centre, side and clockwise rotation in degrees.

    In pixels of the picture in which the face was found; it may reach past the border.
    """

    x: float
    y: float
    side: float
    roll: float

    def scaled(self, scale: float) -> "CropSquare":
        """The same square in a picture ``scale`` times as large."""
        return CropSquare(self.x * scale, self.y * scale, self.side * scale, self.roll)

    def resized(self, scale: float, up: float) -> "CropSquare":
        """``scale`` times the side, the centre moved ``up`` the face, in sides of this square."""
        roll, distance = math.radians(self.roll), up * self.side
        x, y = self.x + distance * math.sin(roll), self.y - distance * math.cos(roll)
        return CropSquare(x, y, scale * self.side, self.roll)


def crop_square(box: F32Array, landmarks: F32Array) -> CropSquare:
    """The classifier's crop; ``box`` is ``[4]`` (left, top, right, bottom), ``landmarks`` ``[5, 2]``."""
    return fer_square(box, landmarks).resized(CROP_SCALE, CROP_RAISE)


def fer_square(box: F32Array, landmarks: F32Array) -> CropSquare:
    """The square that frames a face as FER+ images do; arguments as for ``crop_square``."""
    left, top, right, bottom = (float(value) for value in box)
    width, height = max(right - left, 1e-3), max(bottom - top, 1e-3)
    # The geometric mean of the estimates from width and height: either alone varies with pose and open mouths.
    side = math.sqrt(width / FER_BOX_WIDTH * height / FER_BOX_HEIGHT)
    lean = roll_of(landmarks)
    roll = lean - min(max(lean, -KEPT_ROLL), KEPT_ROLL)
    # From the centre of the box to that of the image: the offset rotates with the face.
    along, down = (0.5 - FER_BOX_CENTRE_X) * side, (0.5 - FER_BOX_CENTRE_Y) * side
    cosine, sine = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    x = (left + right) / 2 + along * cosine - down * sine
    y = (top + bottom) / 2 + along * sine + down * cosine
    return CropSquare(x, y, side, roll)


def roll_of(landmarks: F32Array) -> float:
    """In-plane rotation of a face in degrees, clockwise positive, 0 upright; from ``landmarks`` ``[5, 2]``.

    The line through the eyes and the line from eyes to mouth are weighted by their lengths: in a profile the eyes
    nearly coincide and only the second one is reliable.
    """
    right_eye, left_eye, _, right_mouth, left_mouth = landmarks
    across = left_eye - right_eye
    down = (right_mouth + left_mouth) / 2 - (right_eye + left_eye) / 2
    return math.degrees(math.atan2(float(across[1] - down[0]), float(across[0] + down[1])))


def crop_face(pixels: U8Array, square: CropSquare) -> U8Array:
    """Crop ``square`` from ``uint8 [h, w, 3]`` BGR: grey ``uint8 [48, 48]``.

    Large faces are averaged: each crop pixel is the mean of a grid as fine as the picture's. The centre of the square
    must lie in the picture; pixels past the border repeat the border.
    """
    samples = min(max(1, math.ceil(square.side / CROP_SIDE)), _MAX_SAMPLES)
    fine = CROP_SIDE * samples
    grey, left, top = _grey_region(pixels, square)
    scale = square.side / fine
    cosine, sine = scale * math.cos(math.radians(square.roll)), scale * math.sin(math.radians(square.roll))
    # Maps the centre of fine pixel (u, v) to a position in the grey region, whose pixel centres are whole numbers.
    middle = (fine - 1) / 2
    x, y = square.x - 0.5 - left, square.y - 0.5 - top
    matrix = np.asarray(
        [[cosine, -sine, x - middle * (cosine - sine)], [sine, cosine, y - middle * (sine + cosine)]], dtype=np.float64
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(grey, matrix, (fine, fine), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    if samples > 1:
        crop = cv2.resize(crop, (CROP_SIDE, CROP_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(crop, dtype=np.uint8)


def _grey_region(pixels: U8Array, square: CropSquare) -> tuple[U8Array, int, int]:
    """The part of the picture that the square can touch, in grey, and its left and top."""
    height, width = pixels.shape[:2]
    reach = square.side * math.sqrt(0.5) + 2
    left, right = max(0, math.floor(square.x - reach)), min(width, math.ceil(square.x + reach))
    top, bottom = max(0, math.floor(square.y - reach)), min(height, math.ceil(square.y + reach))
    grey = cv2.cvtColor(pixels[top:bottom, left:right], cv2.COLOR_BGR2GRAY)
    return np.asarray(grey, dtype=np.uint8), left, top
