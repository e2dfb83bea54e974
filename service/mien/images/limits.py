"""Bounds that a picture file must keep before any pixel is decoded, and the memory that its decode will take.

The memory was measured as the peak of a process that decodes 24 megapixels of each kind, from the file to a BGR frame.
The copies alive at once are Pillow's image (four bytes per pixel, one if grey), the one being converted, and the frame.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from mien.errors import TooLarge
from mien.images.formats import PictureFormat

MEBIBYTE = 1024 * 1024
FRAME_BYTES_PER_PIXEL = 3  # BGR, while it waits for the detector

_BYTES_PER_PIXEL: Mapping[PictureFormat, int] = MappingProxyType(
    dict.fromkeys(PictureFormat, 10) | {PictureFormat.AVIF: 13, PictureFormat.WEBP: 17}
)  # for JPEG and deep TIFF see below
_DEEP_COPIES = 2  # of a TIFF with more than 8 bits per sample, as OpenCV decodes it
_DEEP_RESULT_BYTES = 2  # per pixel
_JPEG_BYTES_PER_PIXEL = 10  # of one that breaks off; a whole one takes three
_JPEG_IMAGE_BYTES = 4
_COEFFICIENT_BYTES = 2

Layer = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Bounds on one file; ``max_scans`` and ``max_scanned_pixels`` (over all scans) concern JPEG.

    ``max_pixels`` bounds the pixels that are decoded, not the size in the header: a 200-megapixel JPEG of a phone, of
    which the detector needs an eighth of each side, counts as 3 megapixels. ``max_side`` is OpenCV's bound: it counts
    in 16 bits where it samples.
    """

    max_bytes: int = 64 * MEBIBYTE
    max_pixels: int = 65_000_000
    max_side: int = 32_767
    max_scans: int = 100
    max_scanned_pixels: int = 3_200_000_000

    @property
    def memory(self) -> int:
        """Bytes that one decode may take: ``max_pixels`` in the most expensive format."""
        return max(_BYTES_PER_PIXEL.values()) * self.max_pixels

    def check_bytes(self, count: int) -> None:
        """Raises ``TooLarge``, naming ``max_bytes``, for a file of more."""
        if count > self.max_bytes:
            size, bound = count / MEBIBYTE, self.max_bytes / MEBIBYTE
            message = f"the file has {size:.1f} MiB and at most {bound:g} MiB are read; send a smaller file"
            raise TooLarge("max_bytes", self.max_bytes, message)

    def check_size(self, width: int, height: int, factor: int = 1) -> None:
        """Check a picture of ``width`` x ``height`` pixels that is decoded at 1 / ``factor`` of its size.

        Raises:
            TooLarge: naming ``max_side`` or ``max_pixels``.
        """
        size = f"the picture is {width} x {height} pixels"
        if max(width, height) > self.max_side:
            message = f"{size} and no side may exceed {self.max_side}; scale it down"
            raise TooLarge("max_side", self.max_side, message)
        if width * height > self.max_pixels * factor**2:
            message = f"{size} and at most {self.max_pixels:,} are decoded; scale it down"
            raise TooLarge("max_pixels", self.max_pixels, message)

    def check_memory(self, width: int, height: int, needed: int, *, cause: str, remedy: str) -> None:
        """Check a picture whose decode takes ``needed`` bytes.

        Raises:
            TooLarge: over ``memory``, naming ``max_pixels``; the message gives ``cause`` and ``remedy``.
        """
        if needed > self.memory:
            message = (
                f"the picture is {width} x {height} pixels {cause}, which would take {needed / 1e9:.1f} GB to decode; "
                f"{remedy}, or scale it down"
            )
            raise TooLarge("max_pixels", self.max_pixels, message)


def decode_memory(picture_format: PictureFormat, pixels: int) -> int:
    """Bytes that decoding ``pixels`` takes, in any format but JPEG and deep TIFF."""
    return pixels * _BYTES_PER_PIXEL[picture_format]


def deep_tiff_memory(pixels: int, pixel_bytes: int) -> int:
    """Bytes that decoding a TIFF by OpenCV takes; ``pixel_bytes`` are those of all samples of a pixel in the file."""
    return pixels * max(_BYTES_PER_PIXEL[PictureFormat.TIFF], _DEEP_COPIES * pixel_bytes + _DEEP_RESULT_BYTES)


def jpeg_memory(pixels: int, decoded: int, layers: Sequence[Layer], keeps_coefficients: bool) -> int:
    """Bytes that decoding a JPEG takes.

    Args:
        pixels: of the picture in the file.
        decoded: pixels of the result, which may be reduced.
        layers: Pillow's: id, horizontal and vertical sampling factor and table of each component.
        keeps_coefficients: whether libjpeg keeps all coefficients until the last scan: the file is progressive, or its
            first scan does not have all components.
    """
    kept = 0.0
    if keeps_coefficients:
        across, down = max(layer[1] for layer in layers), max(layer[2] for layer in layers)
        kept = _COEFFICIENT_BYTES * pixels * sum(layer[1] * layer[2] / (across * down) for layer in layers)
    return max(_JPEG_BYTES_PER_PIXEL * decoded, round(kept) + _JPEG_IMAGE_BYTES * decoded)
