"""What photographs do to faces, each as a seeded function of crops [n, h, w] uint8 -> the same shape."""

from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.vision.alignment import CropSquare, crop_face

Images = NDArray[np.uint8]


def jitter(images: Images, amount: float = 0.1, seed: int = 0) -> Images:
    """A crop moved by up to `amount` of the side each way and scaled by up to `amount`, uniformly at random."""
    draws = np.random.default_rng(seed).uniform(-amount, amount, (len(images), 3))
    return np.stack([_warp(image, 1 + scale, x, y) for image, (scale, x, y) in zip(images, draws, strict=True)])


def crop_scale(images: Images, scale: float) -> Images:
    """The face cropped with a box `scale` times as wide: above 1 it looks smaller."""
    return np.stack([_warp(image, 1 / scale, 0.0, 0.0) for image in images])


def blur(images: Images, sigma: float = 1.0) -> Images:
    """Gaussian blur, `sigma` in pixels."""
    return np.stack([_uint8(cv2.GaussianBlur(image, (0, 0), sigma)) for image in images])


def darken(images: Images, factor: float = 0.6) -> Images:
    """Grey levels times `factor`."""
    return _uint8(np.clip(np.rint(images * factor), 0, 255))


def jpeg(images: Images, quality: int = 30) -> Images:
    """Through a JPEG file of `quality`."""
    files = [cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for image in images]
    return np.stack([_uint8(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE)) for file in files])


def small(images: Images, side: int = 24) -> Images:
    """As from a face of `side` pixels, enlarged again."""
    shrunk = [cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA) for image in images]
    size = (images.shape[2], images.shape[1])
    return np.stack([_uint8(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)) for image in shrunk])


def photographed(images: Images, side: int) -> Images:
    """As `side` pixels of a photograph, brought back by the service's own crop.

    Enlarged crops hold no more detail than their 48 pixels: above that size this measures the resampling alone.
    """
    square = CropSquare(side / 2, side / 2, side, 0.0)
    method = cv2.INTER_AREA if side < images.shape[1] else cv2.INTER_CUBIC
    faces = [cv2.resize(image, (side, side), interpolation=method) for image in images]
    return np.stack([crop_face(_uint8(cv2.cvtColor(face, cv2.COLOR_GRAY2BGR)), square) for face in faces])


CHANGES: dict[str, Callable[[Images], Images]] = {
    "crop_jitter_10pc": jitter,
    "blur_sigma_1": blur,
    "brightness_0.6": darken,
    "jpeg_30": jpeg,
    "face_24px": small,
    "crop_0.8": partial(crop_scale, scale=0.8),
    "crop_1.2": partial(crop_scale, scale=1.2),
    "face_16px_cropped": partial(photographed, side=16),
    "face_32px_cropped": partial(photographed, side=32),
    "face_96px_cropped": partial(photographed, side=96),
}
"""The changes that the card reports, one at a time."""


def _warp(image: Images, scale: float, dx: float, dy: float) -> Images:
    """Scale about the centre, then move by a fraction of the side; outside, the edge is repeated."""
    height, width = image.shape
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), 0.0, scale)
    matrix[:, 2] += (dx * width, dy * height)
    return _uint8(
        cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def _uint8(image: Any) -> Images:
    return np.asarray(image, dtype=np.uint8)
