"""How far a face can be judged at all, from its tile, its box and its landmarks.

``sharpness``  standard deviation of the tile's Laplacian over that of its grey values, 0..1 (1 and above cut to 1)
``brightness`` mean grey value of the tile, 0..1
``size``       shorter side of the box, pixels of the upright picture
``pose``       how far the nose stands from the middle between the eyes, along the line through the eyes and in eye
               distances: 0 looks straight ahead, 0.5 and above is a half profile or more
"""

import cv2
import numpy as np

from service.domain import F32Array, Quality, U8Array

MIN_SHARPNESS = 0.15  # the median FER+ face, blurred with a sigma of 1.5 px of its tile
MIN_BRIGHTNESS = 0.15
MAX_BRIGHTNESS = 0.90
MIN_SIZE = 24.0
MAX_POSE = 0.50
MAX_CUT = 0.20  # share of the box past the picture's border

RIGHT_EYE, LEFT_EYE, NOSE = 0, 1, 2


def assess(tile: U8Array, box: F32Array, landmarks: F32Array, width: int, height: int) -> Quality:
    """Judge one face.

    Args:
        tile: ``uint8 [48, 48]``, the grey crop.
        box: ``[4]`` left, top, right, bottom as detected (not clipped), pixels of the upright picture.
        landmarks: ``[5, 2]`` in the same frame.
        width, height: of the upright picture.
    """
    sharpness = _sharpness(tile)
    brightness = float(tile.mean()) / 255
    size = float(min(box[2] - box[0], box[3] - box[1]))
    pose = _pose(landmarks)
    reasons = {
        "small": size < MIN_SIZE,
        "blurred": sharpness < MIN_SHARPNESS,
        "dark": brightness < MIN_BRIGHTNESS,
        "bright": brightness > MAX_BRIGHTNESS,
        "turned": pose > MAX_POSE,
        "cut": _cut(box, width, height) > MAX_CUT,
    }
    named = tuple(reason for reason, holds in reasons.items() if holds)
    return Quality(sharpness, brightness, size, pose, not named, named)


def _sharpness(tile: U8Array) -> float:
    contrast = float(tile.std())
    if contrast < 1:
        return 0.0
    return min(1.0, float(cv2.Laplacian(tile, cv2.CV_32F).std()) / contrast)


def _pose(landmarks: F32Array) -> float:
    eyes = landmarks[LEFT_EYE] - landmarks[RIGHT_EYE]
    distance_squared = float(eyes @ eyes)
    if distance_squared < 1e-6:
        return 1.0
    middle = (landmarks[LEFT_EYE] + landmarks[RIGHT_EYE]) / 2
    return min(1.0, abs(float((landmarks[NOSE] - middle) @ eyes)) / distance_squared)


def _cut(box: F32Array, width: int, height: int) -> float:
    inside = np.clip(box, 0, np.asarray([width, height, width, height], dtype=np.float32))
    whole = float((box[2] - box[0]) * (box[3] - box[1]))
    seen = float((inside[2] - inside[0]) * (inside[3] - inside[1]))
    return 1 - seen / max(whole, 1e-6)
