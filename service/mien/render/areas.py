"""Stacked areas of scores over time."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.domain import U8Array
from mien.render.palette import WHITE, bgr

# Areas are drawn higher and averaged down, for soft edges.
_SUPERSAMPLE = 4


def stacked_areas(
    times: NDArray[np.float64],
    scores: NDArray[np.float64],
    labels: Sequence[str],
    size: tuple[int, int],
    span: tuple[float, float],
) -> U8Array:
    """The areas as ``uint8 [h, w, 3]`` BGR, ``size`` (w, h), over ``span`` (s); the first label lies at the bottom.

    Args:
        times: ``float64 [n]``, in seconds, rising.
        scores: ``float64 [n, labels]``, ``nan`` where there are none.
    """
    width, height = size[0], size[1] * _SUPERSAMPLE
    means, shown = column_means(times, scores, np.linspace(*span, width + 1))
    tops = np.cumsum(means, axis=1)
    tops[shown > 0, -1] = np.inf  # rounding must leave no gap above the last
    level = 1.0 - (np.arange(height) + 0.5) / height
    which = (level[:, None, None] > tops[None]).sum(axis=2)
    colours = np.array([*(bgr(label) for label in labels), WHITE], np.uint8)
    drawn = cv2.resize(colours[which], size, interpolation=cv2.INTER_AREA)
    # A column that is partly without scores fades into the white.
    areas: U8Array = np.rint(drawn * shown[:, None] + np.array(WHITE) * (1 - shown[:, None])).astype(np.uint8)
    return areas


def column_means(
    times: NDArray[np.float64], scores: NDArray[np.float64], edges: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean scores between one of ``edges`` and the next, and how much of that time has scores.

    The scores are interpolated linearly, and integrated exactly: all samples of a column count, however many.

    Returns:
        ``float64 [columns, labels]``, 0 where there are no scores, and ``float64 [columns]`` from 0 to 1.
    """
    inside = times[(times > edges[0]) & (times < edges[-1])]
    at = np.union1d(inside, edges)
    values = np.stack([np.interp(at, times, column, left=np.nan, right=np.nan) for column in scores.T], axis=1)
    length = np.diff(at)
    middle = (values[1:] + values[:-1]) / 2
    seen = ~np.isnan(middle).any(axis=1)
    starts = np.searchsorted(at, edges[:-1])
    area = np.add.reduceat(np.where(seen[:, None], middle, 0.0) * length[:, None], starts, axis=0)
    covered = np.add.reduceat(np.where(seen, length, 0.0), starts)
    means = area / np.where(covered > 0, covered, 1.0)[:, None]
    return means, np.clip(covered / np.diff(edges), 0.0, 1.0)
