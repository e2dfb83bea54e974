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

import cv2
import numpy as np

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


def assess(crop: U8Array, box: F32Array, landmarks: F32Array, picture: Box, doubtful: bool = False) -> Quality:
    """Judge one face.

    Args:
        crop: ``uint8 [48, 48]``, grey.
        box: ``[4]`` left, top, right, bottom as detected (not clipped), pixels of the upright picture.
        landmarks: ``[5, 2]`` in the same frame.
        picture: the upright picture, or the part of it that could be read, in the same frame.
        doubtful: whether the detector does not tell which way is up in the face, see ``mien.vision.uprightness``.
    """
    sharpness = _sharpness(crop)
    brightness = float(crop.mean()) / 255
    size = float(min(box[2] - box[0], box[3] - box[1]))
    pose = _pose(landmarks)
    reasons = {
        "small": size < MIN_SIZE,
        "blurred": sharpness < MIN_SHARPNESS or _evenness(crop) < MIN_EVENNESS,
        "dark": brightness < MIN_BRIGHTNESS,
        "bright": brightness > MAX_BRIGHTNESS,
        "turned": pose > MAX_POSE or _eye_distance(box, landmarks) < MIN_EYE_DISTANCE,
        "cut": _margin(box, landmarks, picture) < MIN_MARGIN,
    }
    named = tuple(reason for reason, holds in reasons.items() if holds)
    if doubtful and not named:
        named = ("turned",)  # a blurred or small face is doubtful for that reason
    return Quality(sharpness, brightness, size, pose, not named, named)


def _sharpness(crop: U8Array) -> float:
    contrast = float(crop.std())
    if contrast < 1:
        return 0.0
    return min(1.0, float(cv2.Laplacian(crop, cv2.CV_32F).std()) / contrast)


def _evenness(crop: U8Array) -> float:
    """Standard deviation of the second derivative, smallest over largest of all directions: 0..1."""
    grey = crop.astype(np.float32)
    middle = grey[1:-1, 1:-1]
    along_x = grey[1:-1, 2:] + grey[1:-1, :-2] - 2 * middle
    along_y = grey[2:, 1:-1] + grey[:-2, 1:-1] - 2 * middle
    mixed = (grey[2:, 2:] + grey[:-2, :-2] - grey[2:, :-2] - grey[:-2, 2:]) / 4
    parts = np.stack([along_x.ravel(), mixed.ravel(), along_y.ravel()])
    parts -= parts.mean(axis=1, keepdims=True)
    angles = np.arange(DIRECTIONS) * np.pi / DIRECTIONS
    weights = np.stack([np.cos(angles) ** 2, np.sin(2 * angles), np.sin(angles) ** 2], axis=1)
    # Variances of weighted sums, from the covariance matrix.
    variances = (weights @ (parts @ parts.T / parts.shape[1]) * weights).sum(axis=1)
    largest = float(variances.max())
    return 1.0 if largest < 1e-3 else float(np.sqrt(max(0.0, float(variances.min())) / largest))


def _pose(landmarks: F32Array) -> float:
    eyes = landmarks[LEFT_EYE] - landmarks[RIGHT_EYE]
    distance_squared = float(eyes @ eyes)
    if distance_squared < 1e-6:
        return 1.0
    middle = (landmarks[LEFT_EYE] + landmarks[RIGHT_EYE]) / 2
    return min(1.0, abs(float((landmarks[NOSE] - middle) @ eyes)) / distance_squared)


def _eye_distance(box: F32Array, landmarks: F32Array) -> float:
    """In box widths; it shrinks as the head turns."""
    return float(np.linalg.norm(landmarks[LEFT_EYE] - landmarks[RIGHT_EYE])) / max(float(box[2] - box[0]), 1e-6)


def _margin(box: F32Array, landmarks: F32Array, picture: Box) -> float:
    """Distance between the picture's border and the closest landmark, in sides of the box; negative beyond it."""
    sides = np.maximum(box[2:] - box[:2], 1e-6)
    corner = np.asarray([picture.x, picture.y], dtype=np.float32)
    before = (landmarks - corner) / sides
    beyond = (corner + np.asarray([picture.width, picture.height], dtype=np.float32) - landmarks) / sides
    return float(min(before.min(), beyond.min()))
