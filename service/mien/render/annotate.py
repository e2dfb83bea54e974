"""Boxes and words on a picture."""

from collections.abc import Sequence

import numpy as np

from mien.domain import Face, U8Array
from mien.render.explain import overlay
from mien.render.geometry import pixel_rectangle, scaled
from mien.render.labels import captions
from mien.render.palette import bgr
from mien.render.placement import place_labels
from mien.render.tags import draw_box, draw_label


def annotate(pixels: U8Array, faces: Sequence[Face], full_width: int, full_height: int) -> U8Array:
    """A copy of ``pixels``, ``uint8 [h, w, 3]`` BGR, with a box and a label a face, and heat where a face carries it.

    Boxes are in pixels of the full picture, ``full_width`` x ``full_height``, of which ``pixels`` may be a smaller
    copy. Faces are numbered from 1 in the order given. An uncertain emotion has a question mark.
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
        draw_box(canvas, box, bgr(face.emotion))
    texts = [captions(number, f.emotion, f.score, f.uncertain) for number, f in enumerate(faces, start=1)]
    for face, label in zip(faces, place_labels(texts, boxes, width, height), strict=True):
        if label is not None:
            draw_label(canvas, label, bgr(face.emotion))
    return canvas
