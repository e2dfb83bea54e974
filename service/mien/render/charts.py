"""A timeline as a picture: stacked areas per person, with the segments named above them."""

import math
from collections.abc import Sequence
from heapq import nsmallest
from itertools import chain, islice

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.domain import U8Array
from mien.errors import InvalidOption
from mien.render.areas import stacked_areas
from mien.render.axis import clock, ticks, unit
from mien.render.canvas import BOLD, draw_text, text_size
from mien.render.palette import BLACK, WHITE, Bgr, bgr, ink
from mien.timeline.model import FrameRow, Person, Timeline
from mien.timeline.tracker import MAX_GAP

MAX_PEOPLE = 10
"""Panels drawn: the people who were on screen longest, in order of their numbers."""

MIN_WIDTH, MAX_WIDTH = 1000, 6000
"""Of a plot, in pixels: the legend has room, and the memory has bounds."""
_SHORT, _LONG = 1200, 2400
_PER_SECOND = 2
_LEFT, _RIGHT, _TOP, _BOTTOM = 150, 30, 92, 52
_STRIP, _AREA, _GAP = 22, 96, 26
_PANEL = _STRIP + _AREA + _GAP
_OUTLINED = 16
"""Pixels: narrower segments have no outline, which would hide their colour."""
_INK: Bgr = (60, 60, 60)
_FAINT: Bgr = (190, 190, 190)
_TITLE, _TEXT, _SMALL = 20, 15, 13


def plot(timeline: Timeline, begin: float, end: float, width: int | None = None) -> U8Array:
    """``uint8 [h, width, 3]`` BGR with one panel per person, over ``begin`` to ``end`` seconds.

    By default, it is 1,200 pixels wide, and more beyond 8.5 minutes: two per second, up to 2,400 (19 minutes).

    Raises:
        InvalidOption: ``width`` is not from ``MIN_WIDTH`` to ``MAX_WIDTH``.
    """
    end = max(end, begin + 0.1)
    if width is None:
        width = min(max(_LEFT + math.ceil((end - begin) * _PER_SECOND) + _RIGHT, _SHORT), _LONG)
    elif not MIN_WIDTH <= width <= MAX_WIDTH:
        raise InvalidOption("width", f"width must be from {MIN_WIDTH} to {MAX_WIDTH} pixels, not {width}.")
    longest = nsmallest(MAX_PEOPLE, timeline.people, key=lambda p: (-p.screen_time, p.person))
    people = sorted(longest, key=lambda p: p.person)
    canvas = np.full((_TOP + max(1, len(people)) * _PANEL + _BOTTOM, width, 3), WHITE, np.uint8)
    _draw_header(canvas, timeline, len(people))
    bottom = canvas.shape[0] - _BOTTOM
    for index, person in enumerate(people):
        _draw_panel(canvas, timeline, person, _TOP + index * _PANEL, (begin, end))
    if not people:
        draw_text(canvas, "No person in this clip.", (_LEFT, _TOP + 70), _TITLE, _INK)
    _draw_axis(canvas, bottom, (begin, end))
    return canvas


def _x(time: float, span: tuple[float, float], canvas: U8Array) -> int:
    """The column of ``time``, clipped to the axis."""
    share = (time - span[0]) / (span[1] - span[0])
    return _LEFT + round(min(max(share, 0.0), 1.0) * _axis_length(canvas))


def _axis_length(canvas: U8Array) -> int:
    return int(canvas.shape[1]) - _LEFT - _RIGHT


def _draw_header(canvas: U8Array, timeline: Timeline, drawn: int) -> None:
    count = len(timeline.people)
    title = f"Emotion scores of {count} {'person' if count == 1 else 'people'} over time"
    if drawn < count:
        title += f" (the {drawn} seen longest)"
    draw_text(canvas, title, (_LEFT, 34), _TITLE, _INK, weight=BOLD)
    x = _LEFT
    for label in timeline.labels:
        _draw_block(canvas, (x, 54, x + 16, 70), bgr(label))
        draw_text(canvas, label, (x + 22, 68), _TEXT, _INK)
        x += 22 + text_size(label, _TEXT)[0] + 22


def _draw_panel(canvas: U8Array, timeline: Timeline, person: Person, top: int, span: tuple[float, float]) -> None:
    area = top + _STRIP
    times, scores = score_curve(timeline.rows, person.person, span[1])
    size = (_axis_length(canvas), _AREA)
    canvas[area : area + _AREA, _LEFT : _LEFT + size[0]] = stacked_areas(times, scores, timeline.labels, size, span)
    cv2.rectangle(canvas, (_LEFT, area), (_LEFT + size[0], area + _AREA), _FAINT, 1)
    for value, y in (("1", area), ("0.5", area + _AREA // 2), ("0", area + _AREA)):
        cv2.line(canvas, (_LEFT - 5, y), (_LEFT, y), _FAINT, 1)
        draw_text(canvas, value, (_LEFT - 10 - text_size(value, _SMALL)[0], y + 5), _SMALL, _INK)
    draw_text(canvas, f"Person {person.person}", (16, area + 34), _TEXT, _INK, weight=BOLD)
    seen = person.screen_time
    draw_text(canvas, clock(seen, 0.1 if seen <= 60 else 1, seen), (16, area + 56), _SMALL, _INK)
    draw_text(canvas, person.dominant, (16, area + 76), _SMALL, _INK)
    for segment in person.segments:
        if segment.end <= span[0] or segment.start >= span[1]:
            continue
        right = max(_x(segment.end, span, canvas), _LEFT + 2)
        left = min(_x(segment.start, span, canvas), right - 2)
        colour = bgr(segment.emotion)
        _draw_block(canvas, (left, top, right, top + _STRIP - 3), colour)
        if text_size(segment.emotion, _SMALL)[0] + 8 <= right - left:
            draw_text(canvas, segment.emotion, (left + 5, top + 14), _SMALL, ink(colour))


def _draw_block(canvas: U8Array, corners: tuple[int, int, int, int], colour: Bgr) -> None:
    left, top, right, bottom = corners
    cv2.rectangle(canvas, (left, top), (right, bottom), colour, cv2.FILLED)
    if right - left >= _OUTLINED:
        cv2.rectangle(canvas, (left, top), (right, bottom), BLACK, 1)


def _draw_axis(canvas: U8Array, y: int, span: tuple[float, float]) -> None:
    cv2.line(canvas, (_LEFT, y), (canvas.shape[1] - _RIGHT, y), _INK, 1)
    for time, word in ticks(span, _axis_length(canvas)):
        x = _x(time, span, canvas)
        cv2.line(canvas, (x, y), (x, y + 6), _INK, 1)
        draw_text(canvas, word, (x - text_size(word, _SMALL)[0] // 2, y + 22), _SMALL, _INK)
    draw_text(canvas, f"time in the clip ({unit(span[1])})", (_LEFT, y + 44), _SMALL, _INK)


def score_curve(rows: Sequence[FrameRow], person: int, end: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times at which a person was seen, ``float64 [n]``, and the scores then, ``float64 [n, labels]``.

    Scores hold until the next sampled frame (``end`` after the last) and are ``nan`` while the person is out of sight.
    """
    times: list[float] = []
    scores: list[tuple[float, ...]] = []
    until = 0.0
    ends = chain((row.time for row in islice(rows, 1, None)), [end])
    for row, after in zip(rows, ends, strict=False):
        face = next((face for face in row.faces if face.person == person), None)
        if face is None:
            continue
        if times and row.time - until > MAX_GAP:
            _add_gap(times, scores, until)
        times.append(row.time)
        scores.append(face.scores)
        until = after
    if times:
        _add_gap(times, scores, until)
    return np.array(times), np.array(scores)


def _add_gap(times: list[float], scores: list[tuple[float, ...]], until: float) -> None:
    times += [until, np.nextafter(until, np.inf)]
    scores += [scores[-1], tuple(np.nan for _ in scores[-1])]
