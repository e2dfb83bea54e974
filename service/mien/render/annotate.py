"""Faces drawn on pictures and on the frames of clips: boxes, labels and class-activation maps."""

from collections.abc import Sequence

import numpy as np

from mien.domain import Face, U8Array
from mien.render.canvas import MEDIUM, Rectangle, draw_outline, draw_text, is_empty, pixel_rectangle, scaled
from mien.render.explain import overlay
from mien.render.labels import Label, captions
from mien.render.palette import BLACK, Bgr, bgr, ink
from mien.render.placement import SteadyLabels, place_labels
from mien.timeline.model import FaceRow

_LINE_SHARE = 1 / 320  # of the picture's long side
_MIN_SIDE_IN_LINES = 14  # shorter side of a box over the width of its line


def annotate(pixels: U8Array, faces: Sequence[Face], full_width: int, full_height: int) -> U8Array:
    """A copy of ``pixels``, ``uint8 [h, w, 3]`` BGR, with a box, a label and the activation map (if any) of each face.

    Boxes are in pixels of the full picture, ``full_width`` x ``full_height``, of which ``pixels`` may be a smaller
    copy. Faces are numbered from 1 in the order given. An uncertain emotion is marked with a question mark.
    """
    canvas = np.ascontiguousarray(pixels).copy()
    height, width = canvas.shape[:2]
    for face in faces:
        if face.activation is not None:
            overlay(canvas, face.activation, width / full_width, height / full_height)
    boxes = _rectangles(canvas, faces, full_width, full_height)
    # Backwards, so that the face with the highest confidence ends on top.
    for face, box in reversed(list(zip(faces, boxes, strict=True))):
        draw_box(canvas, box, bgr(face.emotion))
    texts = [captions(number, f.emotion, f.score, f.uncertain) for number, f in enumerate(faces, start=1)]
    for face, label in zip(faces, place_labels(texts, boxes, width, height), strict=True):
        if label is not None:
            draw_label(canvas, label, bgr(face.emotion))
    return canvas


class ClipAnnotator:
    """Draws the tracked people of one clip, frame by frame in order of time, with labels that keep their positions."""

    def __init__(self) -> None:
        self._labels = SteadyLabels()

    def draw(self, pixels: U8Array, faces: Sequence[FaceRow], full_width: int, full_height: int, time: float) -> None:
        """Box, number, emotion and score of every face at ``time`` seconds, on ``uint8 [h, w, 3]`` BGR in place.

        Boxes are in pixels of the full frame, ``full_width`` x ``full_height``.
        """
        boxes = _rectangles(pixels, faces, full_width, full_height)
        for face, box in zip(faces, boxes, strict=True):
            draw_box(pixels, box, bgr(face.emotion))
        texts = [captions(face.person, face.emotion, face.score) for face in faces]
        size = (pixels.shape[1], pixels.shape[0])
        labels = self._labels.place([face.person for face in faces], texts, boxes, size, time)
        for face, label in zip(faces, labels, strict=True):
            if label is not None:
                draw_label(pixels, label, bgr(face.emotion))


def _rectangles(
    canvas: U8Array, faces: Sequence[Face] | Sequence[FaceRow], full_width: int, full_height: int
) -> list[Rectangle]:
    height, width = canvas.shape[:2]
    scale_x, scale_y = width / full_width, height / full_height
    return [pixel_rectangle(scaled(face.box, scale_x, scale_y), width, height) for face in faces]


def draw_box(canvas: U8Array, box: Rectangle, colour: Bgr) -> None:
    """A coloured line with a dark rim on both sides, visible on any background; on ``uint8 [h, w, 3]`` in place."""
    if is_empty(box):
        return
    left, top, right, bottom = box
    thickest = max(1, min(right - left, bottom - top) // _MIN_SIDE_IN_LINES)
    line = min(max(2, round(max(canvas.shape[:2]) * _LINE_SHARE)), thickest)
    rim = max(1, line // 3)
    draw_outline(canvas, (left - rim, top - rim, right + rim, bottom + rim), line + 2 * rim, BLACK)
    draw_outline(canvas, box, line, colour)


def draw_label(canvas: U8Array, label: Label, colour: Bgr) -> None:
    """The label's text on a tag of ``colour``; on ``uint8 [h, w, 3]`` in place."""
    left, top, right, bottom = label.rectangle
    canvas[top:bottom, left:right] = colour
    draw_outline(canvas, label.rectangle, 1, BLACK)
    draw_text(canvas, label.text, label.origin, label.size, ink(colour), weight=MEDIUM)
