"""Boxes and labels, as they are drawn on stills and on the frames of clips."""

from mien.domain import U8Array
from mien.render.geometry import Rectangle, is_empty
from mien.render.labels import Label, draw_text
from mien.render.palette import BLACK, Bgr, ink

_LINE_SHARE = 1 / 320  # of the picture's long side
_FINEST_BOX = 14  # a line is at most this part of its box's shorter side


def draw_box(canvas: U8Array, box: Rectangle, colour: Bgr) -> None:
    """A coloured line with a dark rim on both sides, which shows on any background; on ``uint8 [h, w, 3]`` in place."""
    if is_empty(box):
        return
    left, top, right, bottom = box
    finest = max(1, min(right - left, bottom - top) // _FINEST_BOX)
    line = min(max(2, round(max(canvas.shape[:2]) * _LINE_SHARE)), finest)
    rim = max(1, line // 3)
    _outline(canvas, (left - rim, top - rim, right + rim, bottom + rim), line + 2 * rim, BLACK)
    _outline(canvas, box, line, colour)


def draw_label(canvas: U8Array, label: Label, colour: Bgr) -> None:
    """The label's text on a tag of ``colour``; on ``uint8 [h, w, 3]`` in place."""
    left, top, right, bottom = label.rectangle
    canvas[top:bottom, left:right] = colour
    _outline(canvas, label.rectangle, 1, BLACK)
    draw_text(canvas, label, ink(colour))


def _outline(canvas: U8Array, rectangle: Rectangle, line: int, colour: Bgr) -> None:
    """The outermost ``line`` pixels of ``rectangle``, as far as they are in the picture."""
    left, top, right, bottom = (max(0, side) for side in rectangle)
    canvas[top : top + line, left:right] = colour
    canvas[max(top, bottom - line) : bottom, left:right] = colour
    canvas[top:bottom, left : left + line] = colour
    canvas[top:bottom, max(left, right - line) : right] = colour
