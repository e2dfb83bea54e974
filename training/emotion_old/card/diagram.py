"""The reliability diagram, drawn with OpenCV: how often the file is right against how sure it is."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 360  # px of the plot
MARGIN = 44
INK, SOFT, BAR, LINE = (40, 40, 40), (205, 205, 205), (200, 150, 90), (60, 60, 200)  # BGR

Bins = Sequence[tuple[int, float, float]]  # faces, mean score, share right, of equal ranges of the score


def reliability_diagram(bins: Bins, title: str) -> NDArray[np.uint8]:
    """A picture uint8 [h, w, 3] BGR: bars at the share right, the diagonal, and the faces of each bin beneath."""
    picture = np.full((SIDE + 2 * MARGIN, SIDE + 2 * MARGIN, 3), 255, dtype=np.uint8)
    most = max(count for count, _, _ in bins)
    for index, (count, score, right) in enumerate(bins):
        left, end = index / len(bins), (index + 1) / len(bins)
        if count:
            cv2.rectangle(picture, _at(left, right), _at(end, 0), BAR, -1)
            cv2.rectangle(picture, _at(left, right), _at(end, 0), (255, 255, 255), 1)
            cv2.circle(picture, _at(score, right), 3, INK, -1, cv2.LINE_AA)
            bottom = _at(left, 0)[1] + 1
            cv2.rectangle(
                picture, (_at(left, 0)[0], bottom), (_at(end, 0)[0] - 1, bottom + round(14 * count / most)), SOFT, -1
            )
    cv2.line(picture, _at(0, 0), _at(1, 1), LINE, 1, cv2.LINE_AA)
    cv2.rectangle(picture, _at(0, 1), _at(1, 0), INK, 1)
    for tick in (0.0, 0.5, 1.0):
        _write(picture, f"{tick:g}", (_at(tick, 0)[0] - 6, SIDE + MARGIN + 30))
        _write(picture, f"{tick:g}", (8, _at(0, tick)[1] + 4))
    _write(picture, title, (MARGIN, MARGIN - 14))
    _write(picture, "top score (grey: faces)", (MARGIN + SIDE // 3, SIDE + 2 * MARGIN - 2))
    _write(picture, "right", (4, MARGIN - 14))
    return picture


def _at(x: float, y: float) -> tuple[int, int]:
    """Pixel of a point of the unit square, y upwards."""
    return MARGIN + round(x * SIDE), MARGIN + round((1 - y) * SIDE)


def _write(picture: NDArray[np.uint8], text: str, place: tuple[int, int]) -> None:
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, INK, 1, cv2.LINE_AA)
