"""Milliseconds a face on one thread, and whether the batch changes a face's numbers."""

import time

import numpy as np
from numpy.typing import NDArray

from training.emotion.session import OUTPUTS, Session

BATCHES = (1, 8, 32)
QUANTILE = 0.05


def milliseconds(session: Session, images: NDArray[np.uint8], batch: int, seconds: float = 1.5) -> float:
    """Time a face over repeated calls with `batch` of `images`, after a warm-up.

    The fifth fastest of a hundred, not the median: on a shared machine the slower calls measure the neighbours.
    """
    chunk = images[:batch]
    session.run(chunk)
    session.run(chunk)
    times: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(times) < 5:
        started = time.perf_counter()
        session.run(chunk)
        times.append(time.perf_counter() - started)
    return float(np.quantile(times, QUANTILE)) / batch * 1e3


def batch_dependence(
    session: Session, images: NDArray[np.uint8], batches: tuple[int, ...] = (2, 3, 7, 8, 16, 32)
) -> float:
    """Largest difference of any output between one face a call and `batches` faces a call; 0 means equal bits."""
    names = (*OUTPUTS, "features", "activation")
    alone = [np.concatenate(part) for part in zip(*(session.run(image[None], names) for image in images), strict=True)]
    worst = 0.0
    for batch in batches:
        parts = [session.run(images[start : start + batch], names) for start in range(0, len(images), batch)]
        together = [np.concatenate(part) for part in zip(*parts, strict=True)]
        worst = max(worst, *(float(np.abs(a - b).max()) for a, b in zip(alone, together, strict=True)))
    return worst
