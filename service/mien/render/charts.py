"""A timeline as a picture: stacked areas per person, with the segments named above them."""

import math
from collections.abc import Sequence
from heapq import nsmallest
from itertools import chain, islice

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.domain import U8Array
from mien.render.canvas import BOLD, draw_text, text_size
from mien.render.palette import BLACK, WHITE, Bgr, bgr, ink
from mien.timeline.model import FrameRow, Person, Timeline
from mien.timeline.tracker import MAX_GAP

MAX_PEOPLE = 10
"""Panels drawn: the people who were on screen longest, in order of their numbers."""

_WIDTH = 1200
_LEFT, _RIGHT, _TOP, _BOTTOM = 150, 30, 92, 52
_STRIP, _AREA, _GAP = 22, 96, 26
_PANEL = _STRIP + _AREA + _GAP
_INK: Bgr = (60, 60, 60)
_FAINT: Bgr = (190, 190, 190)
_TITLE, _TEXT, _SMALL = 20, 15, 13
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
# Areas are drawn larger and averaged down: soft edges, and many samples per pixel blend instead of flickering.
_SUPERSAMPLE_X, _SUPERSAMPLE_Y = 4, 2


def plot(timeline: Timeline, begin: float, end: float) -> U8Array:
    """``uint8 [h, w, 3]`` BGR, 1,200 wide and with one panel per person, over ``begin`` to ``end`` seconds."""
    end = max(end, begin + 0.1)
    longest = nsmallest(MAX_PEOPLE, timeline.people, key=lambda p: (-p.screen_time, p.person))
    people = sorted(longest, key=lambda p: p.person)
    canvas = np.full((_TOP + max(1, len(people)) * _PANEL + _BOTTOM, _WIDTH, 3), WHITE, np.uint8)
    _draw_header(canvas, timeline, len(people))
    bottom = canvas.shape[0] - _BOTTOM
    for index, person in enumerate(people):
        _draw_panel(canvas, timeline, person, _TOP + index * _PANEL, (begin, end))
    if not people:
        draw_text(canvas, "No person in this clip.", (_LEFT, _TOP + 70), _TITLE, _INK)
    _draw_axis(canvas, bottom, (begin, end))
    return canvas


def _x(time: float, span: tuple[float, float]) -> int:
    """The column of ``time``, clipped to the axis."""
    share = (time - span[0]) / (span[1] - span[0])
    return _LEFT + round(min(max(share, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT))


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
    size = (_WIDTH - _LEFT - _RIGHT, _AREA)
    canvas[area : area + _AREA, _LEFT : _LEFT + size[0]] = stacked_areas(times, scores, timeline.labels, size, span)
    cv2.rectangle(canvas, (_LEFT, area), (_LEFT + size[0], area + _AREA), _FAINT, 1)
    for value, y in (("1", area), ("0.5", area + _AREA // 2), ("0", area + _AREA)):
        cv2.line(canvas, (_LEFT - 5, y), (_LEFT, y), _FAINT, 1)
        draw_text(canvas, value, (_LEFT - 10 - text_size(value, _SMALL)[0], y + 5), _SMALL, _INK)
    draw_text(canvas, f"Person {person.person}", (16, area + 34), _TEXT, _INK, weight=BOLD)
    draw_text(canvas, f"{person.screen_time:.1f} s", (16, area + 56), _SMALL, _INK)
    draw_text(canvas, person.dominant, (16, area + 76), _SMALL, _INK)
    for segment in person.segments:
        if segment.end <= span[0] or segment.start >= span[1]:
            continue
        right = max(_x(segment.end, span), _LEFT + 2)
        left = min(_x(segment.start, span), right - 2)
        colour = bgr(segment.emotion)
        _draw_block(canvas, (left, top, right, top + _STRIP - 3), colour)
        if text_size(segment.emotion, _SMALL)[0] + 8 <= right - left:
            draw_text(canvas, segment.emotion, (left + 5, top + 14), _SMALL, ink(colour))


def _draw_block(canvas: U8Array, corners: tuple[int, int, int, int], colour: Bgr) -> None:
    left, top, right, bottom = corners
    cv2.rectangle(canvas, (left, top), (right, bottom), colour, cv2.FILLED)
    cv2.rectangle(canvas, (left, top), (right, bottom), BLACK, 1)


def _draw_axis(canvas: U8Array, y: int, span: tuple[float, float]) -> None:
    step = next((s for s in _STEPS if (span[1] - span[0]) / s <= 12), math.ceil((span[1] - span[0]) / 12 / 3600) * 3600)
    cv2.line(canvas, (_LEFT, y), (_WIDTH - _RIGHT, y), _INK, 1)
    for k in range(math.ceil(span[0] / step - 1e-9), math.floor(span[1] / step + 1e-9) + 1):
        x, word = _x(k * step, span), _clock(k * step, step)
        cv2.line(canvas, (x, y), (x, y + 6), _INK, 1)
        draw_text(canvas, word, (x - text_size(word, _SMALL)[0] // 2, y + 22), _SMALL, _INK)
    name = "time in the clip (h:mm:ss)" if step >= 60 else "time in the clip (s)"
    draw_text(canvas, name, (_LEFT, y + 44), _SMALL, _INK)


def _clock(seconds: float, step: float) -> str:
    if step < 1:
        return f"{seconds:.1f}"
    if step < 60:
        return f"{seconds:.0f}"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


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


def stacked_areas(
    times: NDArray[np.float64],
    scores: NDArray[np.float64],
    labels: Sequence[str],
    size: tuple[int, int],
    span: tuple[float, float],
) -> U8Array:
    """The areas as ``uint8 [h, w, 3]`` BGR, ``size`` (w, h), over ``span`` (s); the first label lies at the bottom."""
    width, height = size[0] * _SUPERSAMPLE_X, size[1] * _SUPERSAMPLE_Y
    at = span[0] + (np.arange(width) + 0.5) / width * (span[1] - span[0])
    values = np.stack([np.interp(at, times, column, left=np.nan, right=np.nan) for column in scores.T])
    visible = ~np.isnan(values).any(axis=0)
    tops = np.cumsum(np.where(visible, values, 0.0), axis=0)
    tops[-1, visible] = np.inf  # rounding must leave no gap above the last
    level = 1.0 - (np.arange(height) + 0.5) / height
    which = (level[:, None, None] > tops.T[None]).sum(axis=2)
    colours = np.array([*(bgr(label) for label in labels), WHITE], np.uint8)
    drawn: U8Array = colours[which]
    return cv2.resize(drawn, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
