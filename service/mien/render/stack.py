"""One person's scores as stacked areas."""

from collections.abc import Sequence
from itertools import chain, islice

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.domain import U8Array
from mien.render.palette import WHITE, bgr
from mien.timeline.model import FrameRow

# Drawn larger and averaged down: soft edges, and many samples to a pixel blend instead of flickering.
_FINER_X, _FINER_Y = 4, 2
_LONGEST_GAP = 1.0  # s out of sight that the areas bridge, as the tracker does


def curve(rows: Sequence[FrameRow], person: int, end: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When a person was seen, ``float64 [n]``, and the scores then, ``float64 [n, labels]``.

    Scores hold until the next sampled frame (``end`` after the last), and are ``nan`` while the person is away.
    """
    times: list[float] = []
    scores: list[tuple[float, ...]] = []
    until = 0.0
    ends = chain((row.time for row in islice(rows, 1, None)), [end])
    for row, after in zip(rows, ends, strict=False):
        face = next((face for face in row.faces if face.person == person), None)
        if face is None:
            continue
        if times and row.time - until > _LONGEST_GAP:
            _leave(times, scores, until)
        times.append(row.time)
        scores.append(face.scores)
        until = after
    if times:
        _leave(times, scores, until)
    return np.array(times), np.array(scores)


def _leave(times: list[float], scores: list[tuple[float, ...]], until: float) -> None:
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
    width, height = size[0] * _FINER_X, size[1] * _FINER_Y
    at = span[0] + (np.arange(width) + 0.5) / width * (span[1] - span[0])
    values = np.stack([np.interp(at, times, column, left=np.nan, right=np.nan) for column in scores.T])
    seen = ~np.isnan(values).any(axis=0)
    tops = np.cumsum(np.where(seen, values, 0.0), axis=0)
    tops[-1, seen] = np.inf  # rounding leaves no crack above the last
    level = 1.0 - (np.arange(height) + 0.5) / height
    which = (level[:, None, None] > tops.T[None]).sum(axis=2)
    colours = np.array([*(bgr(label) for label in labels), WHITE], np.uint8)
    drawn: U8Array = colours[which]
    return cv2.resize(drawn, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
