"""The eight ways in which a stored picture or video frame can be rotated and mirrored."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

import cv2
import numpy as np

from mien.domain import Box, U8Array

# EXIF orientation -> transpose, flip_x, flip_y (EXIF 2.32, 4.6.4, tag 274)
_EXIF: Mapping[object, tuple[bool, bool, bool]] = MappingProxyType(
    {
        1: (False, False, False),
        2: (False, True, False),
        3: (False, True, True),
        4: (False, False, True),
        5: (True, False, False),
        6: (True, True, False),
        7: (True, True, True),
        8: (True, False, True),
    }
)


@dataclass(frozen=True, slots=True)
class Orientation:
    """How stored pixels become upright: transposed first, then flipped left to right (``flip_x``) and top to bottom
    (``flip_y``)."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @classmethod
    def from_exif(cls, tag: object) -> Self:
        """The orientation that an EXIF tag of 1 to 8 means; upright for anything else."""
        return cls(*_EXIF.get(tag, _EXIF[1])) if isinstance(tag, int) else cls()

    @classmethod
    def from_display_matrix(cls, matrix: bytes) -> Self:
        """A clip's display matrix, rounded to the nearest of the eight orientations.

        It is nine native int32 ``a b u / c d v / x y w`` that map stored (x, y) to shown (ax + cy, bx + dy); see
        ISO/IEC 14496-12, 6.2.2.
        """
        a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    @property
    def mirrored(self) -> bool:
        """Whether left and right are exchanged, beyond a rotation."""
        return (self.transpose + self.flip_x + self.flip_y) % 2 == 1

    @property
    def rotation(self) -> int:
        """Clockwise degrees; if ``mirrored``, the rotation before a left-to-right flip."""
        if not self.transpose:
            return 180 if self.flip_y else 0
        return 270 if self.flip_y else 90

    def apply(self, pixels: U8Array) -> U8Array:
        """Stored ``uint8 [h, w, 3]`` pixels, upright and contiguous."""
        if self.transpose:
            pixels = np.asarray(cv2.transpose(pixels), dtype=np.uint8)
        if self.flip_x or self.flip_y:
            code = 0 if not self.flip_x else -1 if self.flip_y else 1
            pixels = np.asarray(cv2.flip(pixels, code), dtype=np.uint8)
        return np.ascontiguousarray(pixels)

    def upright_size(self, width: int, height: int) -> tuple[int, int]:
        """Upright width and height of a picture stored as ``width`` x ``height``, and the reverse."""
        return (height, width) if self.transpose else (width, height)

    def upright_box(self, box: Box, width: int, height: int) -> Box:
        """Where a ``box`` of a picture stored as ``width`` x ``height`` lies in the upright picture."""
        if self.transpose:
            box = Box(box.y, box.x, box.height, box.width)
        width, height = self.upright_size(width, height)
        x = width - box.x - box.width if self.flip_x else box.x
        y = height - box.y - box.height if self.flip_y else box.y
        return Box(x, y, box.width, box.height)
