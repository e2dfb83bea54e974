"""Motion prediction: a constant-velocity Kalman filter in units of face sizes.

Everything is scaled by the size of the face, so that near and distant faces are tracked alike, and the process noise is
white acceleration integrated over real time, so that the sampling rate does not matter.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.domain import Box

F64Array = NDArray[np.float64]

# Chosen on synthetic clips at 5 and 25 fps (crowds that cross, heads that sway, people who stop and turn while hidden;
# see the tests): more acceleration follows sudden turns better but confuses people who cross. In face sizes: standard
# deviation of the detected position and of the initial velocity (1/s), and variance of the acceleration (per second).
_POSITION_NOISE = 0.05
_INITIAL_SPEED = 2.5
_ACCELERATION = 1.5
# Logarithm of the size: standard deviation of the detected one, and of its change in a second.
_SIZE_NOISE = 0.06
_SIZE_CHANGE = 0.25
_SIZE_GAIN = 0.5


@dataclass(frozen=True, slots=True)
class Motion:
    """Centre (pixels), velocity (pixels/s), log size, and the covariance of position and velocity.

    Both axes share one covariance ``pp, pv, vv``, in face sizes (and seconds).
    """

    x: float
    y: float
    vx: float
    vy: float
    log_size: float
    pp: float
    pv: float
    vv: float

    @property
    def size(self) -> float:
        """The geometric mean of the box's sides, in pixels."""
        return math.exp(self.log_size)


def initiate(box: Box) -> Motion:
    """The state of a new track: at rest, with uncertain velocity."""
    x, y, log_size = _measure(box)
    return Motion(x, y, 0.0, 0.0, log_size, _POSITION_NOISE**2, 0.0, _INITIAL_SPEED**2)


def predict(motion: Motion, seconds: float, width: int, height: int) -> Motion:
    """The state ``seconds`` later, stopped at the picture's border: a face that left is expected to return there."""
    s = seconds
    x, y = motion.x + motion.vx * s, motion.y + motion.vy * s
    inside_x, inside_y = min(max(x, 0.0), float(width)), min(max(y, 0.0), float(height))
    return Motion(
        inside_x,
        inside_y,
        motion.vx if inside_x == x else 0.0,
        motion.vy if inside_y == y else 0.0,
        motion.log_size,
        motion.pp + 2 * s * motion.pv + s * s * motion.vv + _ACCELERATION * s**3 / 3,
        motion.pv + s * motion.vv + _ACCELERATION * s * s / 2,
        motion.vv + _ACCELERATION * s,
    )


def update(predicted: Motion, box: Box) -> Motion:
    """The state after the face was detected at ``box``."""
    x, y, log_size = _measure(box)
    innovation = predicted.pp + _POSITION_NOISE**2
    gain_p, gain_v = predicted.pp / innovation, predicted.pv / innovation
    dx, dy = x - predicted.x, y - predicted.y
    return Motion(
        predicted.x + gain_p * dx,
        predicted.y + gain_p * dy,
        predicted.vx + gain_v * dx,
        predicted.vy + gain_v * dy,
        predicted.log_size + _SIZE_GAIN * (log_size - predicted.log_size),
        (1 - gain_p) * predicted.pp,
        (1 - gain_p) * predicted.pv,
        predicted.vv - gain_v * predicted.pv,
    )


def association_cost(predicted: Sequence[Motion], boxes: Sequence[Box], seconds: F64Array, reach: F64Array) -> F64Array:
    """Minus twice the log likelihood of each box for each track, up to a constant: ``[tracks, boxes]``.

    It is ``inf`` if the box cannot be that face: if its centre is more than ``reach`` sizes (``[tracks, boxes]``) from
    the predicted one, or the size more than doubled or halved. ``seconds`` ``[tracks]`` is the time since each track
    was last seen.
    """
    # Tracks are rows, boxes columns.
    old = np.asarray([(one.x, one.y, one.log_size, one.pp) for one in predicted]).reshape(-1, 4, 1)
    new = np.asarray([_measure(box) for box in boxes]).reshape(-1, 3).T
    size = np.exp((old[:, 2] + new[2]) / 2)
    distance = np.hypot(new[0] - old[:, 0], new[1] - old[:, 1]) / size
    change = np.abs(new[2] - old[:, 2])
    variance = old[:, 3] + _POSITION_NOISE**2
    size_variance = _SIZE_NOISE**2 + _SIZE_CHANGE**2 * seconds[:, None]
    likelihood = (
        distance**2 / variance
        + 2 * np.log(variance / _POSITION_NOISE**2)
        + change**2 / size_variance
        + np.log(size_variance / _SIZE_NOISE**2)
    )
    return np.where((distance > reach) | (change > math.log(2)), math.inf, likelihood)


def _measure(box: Box) -> tuple[float, float, float]:
    size = math.sqrt(max(box.width, 1.0) * max(box.height, 1.0))
    return box.x + box.width / 2, box.y + box.height / 2, math.log(size)
