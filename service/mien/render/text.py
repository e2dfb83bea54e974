"""Words on a chart."""

import cv2

from mien.domain import U8Array
from mien.render.palette import Bgr

# Built into OpenCV: the same on every machine, and nothing to import.
_FONT_NAME = "sans"
_REGULAR, _BOLD = 400, 600


def text_width(text: str, size: int, bold: bool = False) -> int:
    """The width in pixels of ``text`` in letters of ``size`` pixels."""
    _, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), cv2.FontFace(_FONT_NAME), size, _weight(bold))
    return int(width)


def write(canvas: U8Array, text: str, at: tuple[int, int], size: int, colour: Bgr, *, bold: bool = False) -> None:
    """Write ``text`` on ``uint8 [h, w, 3]`` in place; ``at`` is where its baseline begins."""
    cv2.putText(canvas, text, at, colour, cv2.FontFace(_FONT_NAME), size, _weight(bold))


def _weight(bold: bool) -> int:
    return _BOLD if bold else _REGULAR
