"""Pixels to the bytes of a picture file."""

from enum import StrEnum

import cv2

from mien.domain import U8Array


class Encoding(StrEnum):
    """The media types in which pictures are returned."""

    PNG = "image/png"
    JPEG = "image/jpeg"


# Without chroma subsampling, so that coloured lines and text stay sharp.
_JPEG_444 = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)


def encode(pixels: U8Array, encoding: Encoding) -> bytes:
    """The file of a picture, ``uint8 [h, w, 3]`` BGR. It carries no metadata."""
    if encoding is Encoding.PNG:
        _, data = cv2.imencode(".png", pixels)  # OpenCV's default is level 1: fast
    else:
        _, data = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, 90, *_JPEG_444))
    return data.tobytes()
