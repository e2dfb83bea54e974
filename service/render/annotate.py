"""Boxes and words on a picture."""

from collections.abc import Sequence

import numpy as np

from service.domain import Face, U8Array
from service.render.explain import overlay
from service.render.geometry import Rectangle, pixel_rectangle, scaled
from service.render.labels import draw_text, place_labels
from service.render.palette import BLACK, Bgr, bgr, ink

_LINE_SHARE = 1 / 320  # of the picture's long side
_FINEST_BOX = 14  # a line is at most this part of its box's shorter side


def annotate(pixels: U8Array, faces: Sequence[Face], full_width: int, full_height: int) -> U8Array:
    """A copy of ``pixels``, ``uint8 [h, w, 3]`` BGR, with a box and a label a face, and heat where a face carries it.

    Boxes are in pixels of the full picture, ``full_width`` x ``full_height``, of which ``pixels`` may be a smaller
    copy. An uncertain emotion has a question mark.
    """
    canvas = np.ascontiguousarray(pixels).copy()
    height, width = canvas.shape[:2]
    scale_x, scale_y = width / full_width, height / full_height
    boxes = [pixel_rectangle(scaled(face.box, scale_x, scale_y), width, height) for face in faces]
    for face in faces:
        if face.activation is not None:
            overlay(canvas, face.activation, scale_x, scale_y)
    # Backwards, so that the surest face ends on top.
    for face, box in reversed(list(zip(faces, boxes, strict=True))):
        _draw_box(canvas, box, bgr(face.emotion))
    for face, label in zip(faces, place_labels(faces, boxes, width, height), strict=True):
        if label is not None:
            colour = bgr(face.emotion)
            _draw_tag(canvas, label.rectangle, colour)
            draw_text(canvas, label, ink(colour))
    return canvas


def _draw_box(canvas: U8Array, box: Rectangle, colour: Bgr) -> None:
    """A coloured line with a dark rim on both sides, which shows on any background."""
    left, top, right, bottom = box
    if right <= left or bottom <= top:
        return
    finest = max(1, min(right - left, bottom - top) // _FINEST_BOX)
    line = min(max(2, round(max(canvas.shape[:2]) * _LINE_SHARE)), finest)
    rim = max(1, line // 3)
    _outline(canvas, (left - rim, top - rim, right + rim, bottom + rim), line + 2 * rim, BLACK)
    _outline(canvas, box, line, colour)


def _draw_tag(canvas: U8Array, rectangle: Rectangle, colour: Bgr) -> None:
    left, top, right, bottom = rectangle
    canvas[top:bottom, left:right] = colour
    _outline(canvas, rectangle, 1, BLACK)


def _outline(canvas: U8Array, rectangle: Rectangle, line: int, colour: Bgr) -> None:
    """The outermost ``line`` pixels of ``rectangle``, as far as they are in the picture."""
    left, top, right, bottom = (max(0, side) for side in rectangle)
    canvas[top : top + line, left:right] = colour
    canvas[max(top, bottom - line) : bottom, left:right] = colour
    canvas[top:bottom, left : left + line] = colour
    canvas[top:bottom, max(left, right - line) : right] = colour
