"""Face quality: whether a face can be judged at all, from its crop, box and landmarks.

``sharpness``  standard deviation of the crop's Laplacian over that of its grey values, 0..1 (clipped to 1)
``brightness`` mean grey value of the crop, 0..1
``size``       shorter side of the box, pixels of the upright picture
``pose``       distance of the nose from the midpoint of the eyes, along the line through them and in eye distances:
               0 looks straight ahead, 0.5 and above is a half profile or more

Motion blurs one direction and leaves the detail across it, which hardly lowers ``sharpness``; it is detected by
comparing the directions. Thresholds were set on the 697 faces of 24 px and more in the held-out photographs of
../shared/data, 444 of which were also blurred along six directions.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.domain import Box, F32Array, Quality, U8Array

MIN_SHARPNESS = 0.15  # the median FER+ face, blurred with a sigma of 1.5 px of its crop
# Detail along the direction with the least over that along the one with the most: 1 % of the held-out faces have less,
# and 52, 85 and 94 % of those blurred by 8, 12 and 16 % of the box's side.
MIN_EVENNESS = 0.5
DIRECTIONS = 12
MIN_BRIGHTNESS = 0.15
MAX_BRIGHTNESS = 0.90
MIN_SIZE = 24.0
MAX_POSE = 0.50
MIN_EYE_DISTANCE = (
    0.30  # of the box's width: 4 % of the held-out faces have less; four of five of them fail on pose, too
)
# Distance of any landmark from the picture's border, in the box's width or height. The detector's box surrounds the
# visible part and hardly reaches past the border however much of a face is missing, but landmarks move closer to it.
# Held-out faces whose box ends before the border have 0.22 or more; 4 % of bare FER+ images have less.
MIN_MARGIN = 0.15

RIGHT_EYE, LEFT_EYE, NOSE = 0, 1, 2

# Of the second derivatives along x, mixed and along y in the one along each direction.
_ANGLES = np.arange(DIRECTIONS) * np.pi / DIRECTIONS
_WEIGHTS: F32Array = np.stack([np.cos(_ANGLES) ** 2, np.sin(2 * _ANGLES), np.sin(_ANGLES) ** 2], axis=1).astype("f4")


def assess(
    crops: Sequence[U8Array], boxes: F32Array, landmarks: F32Array, picture: Box, doubtful: NDArray[np.bool_]
) -> list[Quality]:
    """Judge the faces of a picture.

    Args:
        crops: of ``n`` faces, ``uint8 [48, 48]``, grey.
        boxes: ``[n, 4]`` left, top, right, bottom as detected (not clipped), pixels of the upright picture.
        landmarks: ``[n, 5, 2]`` in the same frame.
        picture: the upright picture, or the part of it that could be read, in the same frame.
        doubtful: ``[n]``, whether the detector does not tell which way is up, see ``mien.vision.uprightness``.
    """
    if not crops:
        return []
    grey = np.stack(crops)
    sharpness, evenness = _sharpness(grey), _evenness(grey)
    brightness = grey.mean(axis=(1, 2)) / 255
    sides = boxes[:, 2:] - boxes[:, :2]
    sizes = sides.min(axis=1)
    eyes = landmarks[:, LEFT_EYE] - landmarks[:, RIGHT_EYE]
    pose = _pose(landmarks, eyes)
    eye_distance = np.hypot(eyes[:, 0], eyes[:, 1]) / np.maximum(sides[:, 0], 1e-6)
    reasons = {
        "small": sizes < MIN_SIZE,
        "blurred": (sharpness < MIN_SHARPNESS) | (evenness < MIN_EVENNESS),
        "dark": brightness < MIN_BRIGHTNESS,
        "bright": brightness > MAX_BRIGHTNESS,
        "turned": (pose > MAX_POSE) | (eye_distance < MIN_EYE_DISTANCE),
        "cut": _margin(boxes, landmarks, picture) < MIN_MARGIN,
    }
    # A blurred or small face is doubtful for that reason.
    reasons["turned"] |= doubtful & ~np.any(list(reasons.values()), axis=0)
    named = [
        tuple(reason for reason, holds in zip(reasons, face, strict=True) if holds)
        for face in zip(*(column.tolist() for column in reasons.values()), strict=True)
    ]
    measures = zip(*(column.tolist() for column in (sharpness, brightness, sizes, pose)), named, strict=True)
    return [Quality(sharp, bright, size, turn, not why, why) for sharp, bright, size, turn, why in measures]


def _sharpness(crops: U8Array) -> NDArray[np.float64]:
    contrast = crops.reshape(len(crops), -1).std(axis=1)
    detail = np.stack([cv2.Laplacian(crop, cv2.CV_32F) for crop in crops]).reshape(len(crops), -1).std(axis=1)
    return np.where(contrast < 1, 0.0, np.minimum(1.0, detail / np.maximum(contrast, 1)))


def _evenness(crops: U8Array) -> F32Array:
    """Standard deviation of the second derivative, smallest over largest of all directions: 0..1, ``[n]``."""
    grey = crops.astype(np.float32)
    middle = 2 * grey[:, 1:-1, 1:-1]
    parts = np.empty((len(grey), 3, *middle.shape[1:]), np.float32)
    parts[:, 0] = grey[:, 1:-1, 2:] + grey[:, 1:-1, :-2] - middle
    parts[:, 1] = (grey[:, 2:, 2:] + grey[:, :-2, :-2] - grey[:, 2:, :-2] - grey[:, :-2, 2:]) / 4
    parts[:, 2] = grey[:, 2:, 1:-1] + grey[:, :-2, 1:-1] - middle
    parts = parts.reshape(len(grey), 3, -1)
    parts -= parts.mean(axis=2, keepdims=True)
    # Variances of weighted sums, from the covariance matrices.
    covariances = parts @ parts.transpose(0, 2, 1) / parts.shape[2]
    variances = (_WEIGHTS @ covariances * _WEIGHTS).sum(axis=2)
    largest, smallest = variances.max(axis=1), np.maximum(variances.min(axis=1), 0)
    return np.asarray(np.where(largest < 1e-3, 1.0, np.sqrt(smallest / np.maximum(largest, 1e-3))), np.float32)


def _pose(landmarks: F32Array, eyes: F32Array) -> F32Array:
    """``eyes`` ``[n, 2]``: from the right eye to the left."""
    squared = (eyes**2).sum(axis=1)
    middle = (landmarks[:, LEFT_EYE] + landmarks[:, RIGHT_EYE]) / 2
    along = np.abs(((landmarks[:, NOSE] - middle) * eyes).sum(axis=1))
    return np.asarray(np.where(squared < 1e-6, 1.0, np.minimum(1.0, along / np.maximum(squared, 1e-6))), np.float32)


def _margin(boxes: F32Array, landmarks: F32Array, picture: Box) -> F32Array:
    """Distance between the picture's border and the closest landmark, in sides of the box; negative beyond it."""
    sides = np.maximum(boxes[:, None, 2:] - boxes[:, None, :2], 1e-6)
    corner = np.asarray([picture.x, picture.y], dtype=np.float32)
    end = corner + np.asarray([picture.width, picture.height], dtype=np.float32)
    inside = np.minimum(landmarks - corner, end - landmarks)
    return np.asarray((inside / sides).min(axis=(1, 2)), np.float32)
