"""The bounds that a file must keep before any of its pixels are decoded."""

from dataclasses import dataclass

from mien.errors import TooLarge
from mien.images.cost import WORST_BYTES_PER_PIXEL

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """``max_bytes`` of a file, ``max_pixels`` that are decoded of it, ``max_side`` in pixels; of a JPEG ``max_scans``
    and ``max_scanned_pixels``, the pixels of all of its scans.

    What counts is what a decode takes, and not the size in a header: 200 megapixels of a phone's JPEG, of which the
    detector needs an eighth of each side, are 3 megapixels. 65 million are those of any other file, and of a JPEG that
    is decoded whole. OpenCV counts in 16 bits where it samples, so that no side may pass 32,767.
    """

    max_bytes: int = 64 * MEBIBYTE
    max_pixels: int = 65_000_000
    max_side: int = 32_767
    max_scans: int = 100
    max_scanned_pixels: int = 3_200_000_000

    @property
    def memory(self) -> int:
        """Bytes that one decode may take: those of ``max_pixels`` in the format that takes most."""
        return WORST_BYTES_PER_PIXEL * self.max_pixels

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

    def check_size(self, width: int, height: int, factor: int = 1) -> None:
        """Refuse a picture of ``width`` x ``height`` pixels that is decoded at 1 / ``factor`` of its size.

        Raises:
            TooLarge: naming ``max_side`` or ``max_pixels``.
        """
        if max(width, height) > self.max_side:
            raise TooLarge(
                "max_side",
                self.max_side,
                f"the picture is {width} x {height} pixels and no side may pass {self.max_side}; scale it down",
            )
        if width * height > self.max_pixels * factor**2:
            raise TooLarge(
                "max_pixels",
                self.max_pixels,
                f"the picture is {width} x {height} pixels and at most {self.max_pixels:,} are decoded; scale it down",
            )

    def check_cost(self, width: int, height: int, cost: int, *, kind: str, mend: str) -> None:
        """Refuse a picture whose decode would take ``cost`` bytes where that is too much.

        ``kind`` says what makes it take so much, ``mend`` how to save it otherwise.

        Raises:
            TooLarge: naming ``max_pixels``.
        """
        if cost > self.memory:
            raise TooLarge(
                "max_pixels",
                self.max_pixels,
                f"the picture is {width} x {height} pixels {kind}, which would take {cost / 1e9:.1f} GB to decode; "
                f"{mend}, or scale it down",
            )
