"""A timeline as a picture: stacked areas a person, with the segments named above them."""

import math
from heapq import nsmallest

import cv2
import numpy as np

from mien.domain import U8Array
from mien.render.palette import BLACK, WHITE, Bgr, bgr, ink
from mien.render.stack import curve, stacked_areas
from mien.render.text import text_width, write
from mien.timeline.model import Person, Timeline

MOST_PEOPLE = 10
"""Panels drawn; who was on screen longest comes first in the choice, and they stand in order of their numbers."""

_WIDTH = 1200
_LEFT, _RIGHT, _TOP, _BOTTOM = 150, 30, 92, 52
_STRIP, _AREA, _GAP = 22, 96, 26
_PANEL = _STRIP + _AREA + _GAP
_INK: Bgr = (60, 60, 60)
_FAINT: Bgr = (190, 190, 190)
_TITLE, _TEXT, _SMALL = 20, 15, 13
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


def plot(timeline: Timeline, begin: float, end: float) -> U8Array:
    """``uint8 [h, w, 3]`` BGR, 1,200 wide and as high as there are people, over ``begin`` to ``end`` seconds."""
    end = max(end, begin + 0.1)
    longest = nsmallest(MOST_PEOPLE, timeline.people, key=lambda p: (-p.screen_time, p.person))
    people = sorted(longest, key=lambda p: p.person)
    canvas = np.full((_TOP + max(1, len(people)) * _PANEL + _BOTTOM, _WIDTH, 3), WHITE, np.uint8)
    _head(canvas, timeline, len(people))
    bottom = canvas.shape[0] - _BOTTOM
    for index, person in enumerate(people):
        _panel(canvas, timeline, person, _TOP + index * _PANEL, (begin, end))
    if not people:
        write(canvas, "Nobody is seen in this clip.", (_LEFT, _TOP + 70), _TITLE, _INK)
    _axis(canvas, bottom, (begin, end))
    return canvas


def _x(time: float, span: tuple[float, float]) -> int:
    """The column for ``time``; what lies outside the span is at the end of the axis."""
    share = (time - span[0]) / (span[1] - span[0])
    return _LEFT + round(min(max(share, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT))


def _head(canvas: U8Array, timeline: Timeline, drawn: int) -> None:
    count = len(timeline.people)
    title = f"Emotion scores of {count} {'person' if count == 1 else 'people'} over time"
    if drawn < count:
        title += f" (the {drawn} seen longest)"
    write(canvas, title, (_LEFT, 34), _TITLE, _INK, bold=True)
    x = _LEFT
    for label in timeline.labels:
        _block(canvas, (x, 54, x + 16, 70), bgr(label))
        write(canvas, label, (x + 22, 68), _TEXT, _INK)
        x += 22 + text_width(label, _TEXT) + 22


def _panel(canvas: U8Array, timeline: Timeline, person: Person, top: int, span: tuple[float, float]) -> None:
    area = top + _STRIP
    times, scores = curve(timeline.rows, person.person, span[1])
    size = (_WIDTH - _LEFT - _RIGHT, _AREA)
    canvas[area : area + _AREA, _LEFT : _LEFT + size[0]] = stacked_areas(times, scores, timeline.labels, size, span)
    cv2.rectangle(canvas, (_LEFT, area), (_LEFT + size[0], area + _AREA), _FAINT, 1)
    for value, y in (("1", area), ("0.5", area + _AREA // 2), ("0", area + _AREA)):
        cv2.line(canvas, (_LEFT - 5, y), (_LEFT, y), _FAINT, 1)
        write(canvas, value, (_LEFT - 10 - text_width(value, _SMALL), y + 5), _SMALL, _INK)
    write(canvas, f"Person {person.person}", (16, area + 34), _TEXT, _INK, bold=True)
    write(canvas, f"{person.screen_time:.1f} s", (16, area + 56), _SMALL, _INK)
    write(canvas, person.dominant, (16, area + 76), _SMALL, _INK)
    for segment in person.segments:
        if segment.end <= span[0] or segment.start >= span[1]:
            continue
        right = max(_x(segment.end, span), _LEFT + 2)
        left = min(_x(segment.start, span), right - 2)
        colour = bgr(segment.emotion)
        _block(canvas, (left, top, right, top + _STRIP - 3), colour)
        if text_width(segment.emotion, _SMALL) + 8 <= right - left:
            write(canvas, segment.emotion, (left + 5, top + 14), _SMALL, ink(colour))


def _block(canvas: U8Array, corners: tuple[int, int, int, int], colour: Bgr) -> None:
    left, top, right, bottom = corners
    cv2.rectangle(canvas, (left, top), (right, bottom), colour, cv2.FILLED)
    cv2.rectangle(canvas, (left, top), (right, bottom), BLACK, 1)


def _axis(canvas: U8Array, y: int, span: tuple[float, float]) -> None:
    step = next((s for s in _STEPS if (span[1] - span[0]) / s <= 12), math.ceil((span[1] - span[0]) / 12 / 3600) * 3600)
    cv2.line(canvas, (_LEFT, y), (_WIDTH - _RIGHT, y), _INK, 1)
    for k in range(math.ceil(span[0] / step - 1e-9), math.floor(span[1] / step + 1e-9) + 1):
        x, word = _x(k * step, span), _clock(k * step, step)
        cv2.line(canvas, (x, y), (x, y + 6), _INK, 1)
        write(canvas, word, (x - text_width(word, _SMALL) // 2, y + 22), _SMALL, _INK)
    name = "time in the clip (h:mm:ss)" if step >= 60 else "time in the clip (s)"
    write(canvas, name, (_LEFT, y + 44), _SMALL, _INK)


def _clock(seconds: float, step: float) -> str:
    if step < 1:
        return f"{seconds:.1f}"
    if step < 60:
        return f"{seconds:.0f}"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
