"""How much memory the decode of a picture takes, reckoned from its header.

Measured as the peak of a process that decodes 24 megapixels of each kind, from the file to a BGR frame; the copies that
are alive at once are Pillow's image (four bytes per pixel, one if grey), the one being converted, and the frame.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from mien.images.formats import PictureFormat

WORST_BYTES_PER_PIXEL = 17
FRAME_BYTES_PER_PIXEL = 3  # BGR, as it waits for the detector

_BYTES_PER_PIXEL: Mapping[PictureFormat, int] = MappingProxyType(
    {
        PictureFormat.PNG: 10,
        PictureFormat.BMP: 10,
        PictureFormat.GIF: 10,
        PictureFormat.TIFF: 10,
        PictureFormat.HEIC: 10,
        PictureFormat.AVIF: 13,
        PictureFormat.WEBP: 17,
    }
)
_DEEP_COPIES = 2  # of a picture with more than 8 bits a sample, as OpenCV decodes it
_DEEP_BESIDE = 2  # bytes per pixel of what is made of it
_JPEG_BYTES_PER_PIXEL = 8
_JPEG_IMAGE_BYTES = 4
_COEFFICIENT_BYTES = 2

Layer = tuple[int, int, int, int]


def decode_cost(picture_format: PictureFormat, pixels: int) -> int:
    """Bytes that the decode of a picture of so many ``pixels`` takes, of any format but JPEG and deep TIFF."""
    return pixels * _BYTES_PER_PIXEL[picture_format]


def deep_tiff_cost(pixels: int, pixel_bytes: int) -> int:
    """Bytes that the decode of a TIFF through OpenCV takes, of ``pixel_bytes`` (all samples of a pixel) in the file."""
    return pixels * max(_BYTES_PER_PIXEL[PictureFormat.TIFF], _DEEP_COPIES * pixel_bytes + _DEEP_BESIDE)


def jpeg_cost(pixels: int, decoded: int, layers: Sequence[Layer], is_kept: bool) -> int:
    """Bytes that the decode of a JPEG takes.

    Where coefficients are kept, that is until the last scan has come, whatever the size of the result.

    Args:
        pixels: of the picture in the file.
        decoded: pixels of what is made of it.
        layers: Pillow's: id, horizontal and vertical sampling factor and table of each component.
        is_kept: whether all coefficients are kept: the file is progressive, or its first scan has not all components.
    """
    kept = 0.0
    if is_kept:
        across, down = max(layer[1] for layer in layers), max(layer[2] for layer in layers)
        kept = _COEFFICIENT_BYTES * pixels * sum(layer[1] * layer[2] / (across * down) for layer in layers)
    return max(_JPEG_BYTES_PER_PIXEL * decoded, round(kept) + _JPEG_IMAGE_BYTES * decoded)
