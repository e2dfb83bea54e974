"""What stands beside a box, how large, and where there is room for it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from service.domain import Face
from service.render.geometry import Rectangle, shared_area

SMALLEST_TEXT = 11  # px; below that, letters run together
LARGEST_TEXT = 40
_TEXT_SHARE = 1 / 55  # of the picture's long side
_FONT_WEIGHT = 500
# Built into OpenCV; a label looks the same on every machine.
_FONT_NAME = "sans"


@dataclass(frozen=True, slots=True)
class Label:
    """``text`` of ``size`` pixels in a tag that covers ``rectangle``; its baseline starts at ``origin``."""

    text: str
    size: int
    rectangle: Rectangle
    origin: tuple[int, int]


def place_labels(faces: Sequence[Face], boxes: Sequence[Rectangle], width: int, height: int) -> list[Label | None]:
    """A label a face, within a picture of ``width`` x ``height``, none over another.

    The first faces choose first. A face whose label would lie on another label has none: in a dense crowd the box's
    colour must do.
    """
    obstacles = np.array(boxes, dtype=np.int64).reshape(-1, 4)
    taken = np.zeros((0, 4), dtype=np.int64)
    placed: list[Label | None] = []
    for index, (face, box) in enumerate(zip(faces, boxes, strict=True)):
        others = np.delete(obstacles, index, axis=0)
        best: Label | None = None
        least = 0
        for label in _candidates(face, box, width, height):
            if shared_area(label.rectangle, taken):
                continue
            cost = shared_area(label.rectangle, others)
            if best is None or cost < least:
                best, least = label, cost
            if cost == 0:
                break
        placed.append(best)
        if best is not None:
            taken = np.vstack([taken, best.rectangle])
    return placed


def draw_text(pixels: np.ndarray, label: Label, colour: tuple[int, int, int]) -> None:
    """Write ``label`` on ``pixels``, ``uint8 [h, w, 3]``, in place."""
    cv2.putText(pixels, label.text, label.origin, colour, cv2.FontFace(_FONT_NAME), label.size, _FONT_WEIGHT)


def _candidates(face: Face, box: Rectangle, width: int, height: int) -> Iterator[Label]:
    """Every way to label ``face``, the most welcome first."""
    word = f"{face.emotion}?" if face.uncertain else face.emotion
    full = f"{word} {face.score:.2f}"
    normal = round(min(max(max(width, height) * _TEXT_SHARE, SMALLEST_TEXT + 2), LARGEST_TEXT))
    for text, size in dict.fromkeys(((full, _fit(full, normal, box)), (full, SMALLEST_TEXT), (word, SMALLEST_TEXT))):
        tag_width, tag_height, pad = _measure(text, size)
        if tag_width > width or tag_height > height:
            continue
        left = min(max(box[0], 0), width - tag_width)
        for top in (box[1] - tag_height, box[3], box[1], box[3] - tag_height):
            if 0 <= top <= height - tag_height:
                rectangle = (left, top, left + tag_width, top + tag_height)
                yield Label(text, size, rectangle, (left + pad, top + pad // 2 + size))


def _fit(text: str, normal: int, box: Rectangle) -> int:
    """``normal``, or what keeps a small face from wearing a label much wider than itself."""
    tag_width, _, _ = _measure(text, normal)
    room = 1.3 * (box[2] - box[0])
    return normal if tag_width <= room else max(SMALLEST_TEXT, int(normal * room / tag_width))


def _measure(text: str, size: int) -> tuple[int, int, int]:
    """Width and height of the tag around ``text``, and its padding."""
    pad = max(3, size // 4)
    _, _, text_width, text_height = cv2.getTextSize((0, 0), text, (0, 0), cv2.FontFace(_FONT_NAME), size, _FONT_WEIGHT)
    return text_width + 2 * pad, text_height + pad, pad
