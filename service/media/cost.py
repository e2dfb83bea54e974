"""How much memory the decode of a picture takes, reckoned from its header.

Measured as the peak of a process that decodes 24 megapixels of each kind, from the file to a BGR frame; the copies that
are alive at once are Pillow's image (four bytes per pixel, one if grey), the one being converted, and the frame.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from service.media.formats import PictureFormat

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
_DEEP_BYTES_PER_PIXEL = 14  # several channels of 16 bits or floats, through OpenCV
_JPEG_BYTES_PER_PIXEL = 8
_JPEG_IMAGE_BYTES = 4
_COEFFICIENT_BYTES = 2

Layer = tuple[int, int, int, int]


def decode_cost(picture_format: PictureFormat, pixels: int, *, is_deep: bool = False) -> int:
    """Bytes that the decode of a picture of so many ``pixels`` takes, of any format but JPEG."""
    return pixels * (_DEEP_BYTES_PER_PIXEL if is_deep else _BYTES_PER_PIXEL[picture_format])


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
