"""Scores of faces as bars."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from mien.domain import U8Array
from mien.render.canvas import BOLD, draw_text, text_size
from mien.render.palette import BLACK, WHITE, Bgr, bgr

MAX_FACES = 20
"""Faces drawn, in the order given."""

_WIDTH, _MARGIN, _LEFT = 720, 24, 120
_ROW, _TITLE_ROW, _BAR = 26, 36, 18
_INK: Bgr = (60, 60, 60)
_TITLE, _TEXT = 16, 14


def score_bars(faces: Sequence[tuple[str, Mapping[str, float]]], labels: Sequence[str]) -> U8Array:
    """``uint8 [h, w, 3]`` BGR, 720 wide: for each face its name and one bar per label, as long as its score (0..1)."""
    drawn = faces[:MAX_FACES]
    block = _TITLE_ROW + len(labels) * _ROW
    canvas = np.full((2 * _MARGIN + max(1, len(drawn)) * block, _WIDTH, 3), WHITE, np.uint8)
    if not drawn:
        draw_text(canvas, "No face in this picture.", (_MARGIN, _MARGIN + 20), _TITLE, _INK)
    full = _WIDTH - _LEFT - _MARGIN - 60
    for index, (name, scores) in enumerate(drawn):
        top = _MARGIN + index * block
        draw_text(canvas, name, (_MARGIN, top + 18), _TITLE, _INK, weight=BOLD)
        for row, label in enumerate(labels):
            y = top + _TITLE_ROW + row * _ROW
            end = _LEFT + round(full * scores[label])
            draw_text(canvas, label, (_LEFT - 10 - text_size(label, _TEXT)[0], y + 14), _TEXT, _INK)
            cv2.rectangle(canvas, (_LEFT, y), (end, y + _BAR), bgr(label), cv2.FILLED)
            cv2.rectangle(canvas, (_LEFT, y), (end, y + _BAR), BLACK, 1)
            draw_text(canvas, f"{scores[label]:.2f}", (end + 8, y + 14), _TEXT, _INK)
    return canvas
