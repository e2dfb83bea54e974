"""Pixels to the bytes of a picture file."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import cv2

from mien.domain import U8Array


class Encoding(StrEnum):
    """The media types that pictures are answered in."""

    PNG = "image/png"
    JPEG = "image/jpeg"


# PNG as OpenCV does it (level 1: fast). JPEG without thinned colour, so that coloured lines and text stay sharp.
_SETTINGS: Mapping[Encoding, tuple[str, tuple[int, ...]]] = MappingProxyType(
    {
        Encoding.PNG: (".png", ()),
        Encoding.JPEG: (
            ".jpg",
            (
                cv2.IMWRITE_JPEG_QUALITY,
                90,
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
            ),
        ),
    }
)


def encode(pixels: U8Array, encoding: Encoding) -> bytes:
    """The file of a picture, ``uint8 [h, w, 3]`` BGR. It carries no metadata."""
    extension, settings = _SETTINGS[encoding]
    _, data = cv2.imencode(extension, pixels, settings)
    return data.tobytes()
