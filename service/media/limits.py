"""The bounds that a file must keep before any of its pixels are decoded."""

from dataclasses import dataclass

from service.errors import TooLarge

MEBIBYTE = 1024 * 1024
# Measured: a WebP with alpha and a 16-bit TIFF are the worst. The deployments' memory is reckoned from it.
WORST_BYTES_A_PIXEL = 16
FRAME_BYTES_A_PIXEL = 3  # BGR, as it waits to be looked at


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """``max_bytes`` of a file, ``max_pixels`` of a picture, ``max_side`` in pixels, ``max_scans`` of a JPEG.

    64 million pixels admit the 50-megapixel files of today's phones, and 64 MiB those files without compression.
    OpenCV counts in 16 bits where it samples, so that no side may pass 32,767. At the bounds, one decode takes
    ``WORST_BYTES_A_PIXEL`` each, 1 GB, for a moment; together, all decodes and what they leave hold no more.
    """

    max_bytes: int = 64 * MEBIBYTE
    max_pixels: int = 64_000_000
    max_side: int = 32_767
    max_scans: int = 100

    @property
    def memory(self) -> int:
        """Bytes that a decode of ``max_pixels`` may take."""
        return WORST_BYTES_A_PIXEL * self.max_pixels

    def check_bytes(self, count: int) -> None:
        """Refuse a file of ``count`` bytes where that is too many.

        Raises:
            TooLarge: naming ``max_bytes``.
        """
        if count > self.max_bytes:
            size, bound = count / MEBIBYTE, self.max_bytes / MEBIBYTE
            raise TooLarge(
                "max_bytes",
                self.max_bytes,
                f"the file has {size:.1f} MiB and at most {bound:g} MiB are read; send a smaller file",
            )

    def check_size(self, width: int, height: int) -> None:
        """Refuse a picture of ``width`` x ``height`` pixels where that is too large.

        Raises:
            TooLarge: naming ``max_side`` or ``max_pixels``.
        """
        if max(width, height) > self.max_side:
            raise TooLarge(
                "max_side",
                self.max_side,
                f"the picture is {width} x {height} pixels and no side may pass {self.max_side}; scale it down",
            )
        if width * height > self.max_pixels:
            raise TooLarge(
                "max_pixels",
                self.max_pixels,
                f"the picture is {width} x {height} pixels and at most {self.max_pixels:,} are decoded; scale it down",
            )
