"""Numbered people drawn on the frames of a clip."""

from collections.abc import Sequence

import cv2

from service.domain import U8Array
from service.render.geometry import pixel_rectangle, scaled
from service.render.palette import BLACK, bgr, ink
from service.render.text import text_width, write
from service.timeline.model import FaceRow

_SMALLEST, _LARGEST = 12, 30
_TEXT_SHARE = 1 / 55  # of the long side


def draw_people(pixels: U8Array, faces: Sequence[FaceRow], full_width: int, full_height: int) -> None:
    """Box, number, emotion and score of every face, on ``uint8 [h, w, 3]`` BGR in place.

    Boxes are in pixels of the full frame, ``full_width`` x ``full_height``. A label stands above its box, or within
    where there is no room: always at the same place, so that it does not jump from frame to frame.
    """
    height, width = pixels.shape[:2]
    size = round(min(max(max(width, height) * _TEXT_SHARE, _SMALLEST), _LARGEST))
    for face in faces:
        box = scaled(face.box, width / full_width, height / full_height)
        left, top, right, bottom = pixel_rectangle(box, width, height)
        if right <= left or bottom <= top:
            continue
        colour = bgr(face.emotion)
        line = max(2, size // 8)
        cv2.rectangle(pixels, (left, top), (right - 1, bottom - 1), BLACK, line + 2)
        cv2.rectangle(pixels, (left, top), (right - 1, bottom - 1), colour, line)
        _tag(pixels, f"{face.person} {face.emotion} {face.score:.2f}", (left, top), size, face.emotion)


def _tag(pixels: U8Array, text: str, corner: tuple[int, int], size: int, emotion: str) -> None:
    colour = bgr(emotion)
    tag_width, tag_height = text_width(text, size) + size, round(size * 1.5)
    left = max(0, min(corner[0], pixels.shape[1] - tag_width))
    top = corner[1] - tag_height if corner[1] >= tag_height else corner[1]
    cv2.rectangle(pixels, (left, top), (left + tag_width, top + tag_height), colour, cv2.FILLED)
    cv2.rectangle(pixels, (left, top), (left + tag_width, top + tag_height), BLACK, 1)
    write(pixels, text, (left + size // 2, top + round(size * 1.1)), size, ink(colour))
