"""Downscaling without aliasing."""

import cv2
import numpy as np

from mien.domain import U8Array

_DENSE = 0.6  # of the size: there, samples are 1.7 px apart and each reads two, so none is skipped


def shrink(pixels: U8Array, width: int, height: int) -> U8Array:
    """Average ``uint8 [h, w, 3]`` down to ``[height, width, 3]``, which must not be larger.

    Even sizes are halved while they are at least twice too large: OpenCV averages 2 x 2 blocks twenty times faster than
    areas whose borders cut through pixels, and the result is the same except for rounding.
    """
    pixels = _halved(pixels, width, height)
    return pixels if pixels.shape[:2] == (height, width) else _area(pixels, width, height)


def sample(pixels: U8Array, width: int, height: int) -> U8Array:
    """As ``shrink``, but interpolated if that skips no pixel: five times faster, slightly less smooth."""
    pixels = _halved(pixels, width, height)
    if width < _DENSE * pixels.shape[1]:
        return _area(pixels, width, height)
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _halved(pixels: U8Array, width: int, height: int) -> U8Array:
    while _is_even(pixels) and pixels.shape[1] >= 2 * width and pixels.shape[0] >= 2 * height:
        pixels = _area(pixels, pixels.shape[1] // 2, pixels.shape[0] // 2)
    return pixels


def _is_even(pixels: U8Array) -> bool:
    return not (pixels.shape[0] % 2 or pixels.shape[1] % 2)


def _area(pixels: U8Array, width: int, height: int) -> U8Array:
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
