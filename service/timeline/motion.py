"""Where a face will be: a constant-velocity Kalman filter whose units are face sizes.

Everything is scaled by the face's own size, so that a face near the camera and one far away are followed alike, and
the process noise is white acceleration integrated over real time, so that the sampling rate does not matter.
"""

import math
from dataclasses import dataclass

from service.domain import Box

# Chosen over made films at 5 and 25 fps (crowds that cross, heads that sway, people who stop and turn while hidden; see
# the tests): more wandering follows sudden turns better and mixes up people who cross. In face sizes: the detector's
# own jitter, how fast an unknown face may move (1/s) and how quickly its velocity wanders (variance a second).
_JITTER = 0.05
_FIRST_SPEED = 2.5
_WANDER = 1.5
# The logarithm of the size: jitter, and how much it wanders in a second.
_SIZE_JITTER = 0.06
_SIZE_WANDER = 0.25
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


def begin(box: Box) -> Motion:
    """A face seen for the first time: at rest as far as anyone knows."""
    x, y, log_size = _measure(box)
    return Motion(x, y, 0.0, 0.0, log_size, _JITTER**2, 0.0, _FIRST_SPEED**2)


def predict(motion: Motion, seconds: float, width: int, height: int) -> Motion:
    """The state ``seconds`` later. Who leaves the picture is expected back at its border, not far beyond it."""
    s = seconds
    x, y = motion.x + motion.vx * s, motion.y + motion.vy * s
    inside_x, inside_y = min(max(x, 0.0), float(width)), min(max(y, 0.0), float(height))
    return Motion(
        inside_x,
        inside_y,
        motion.vx if inside_x == x else 0.0,
        motion.vy if inside_y == y else 0.0,
        motion.log_size,
        motion.pp + 2 * s * motion.pv + s * s * motion.vv + _WANDER * s**3 / 3,
        motion.pv + s * motion.vv + _WANDER * s * s / 2,
        motion.vv + _WANDER * s,
    )


def correct(predicted: Motion, box: Box) -> Motion:
    """The state after the face was found at ``box``."""
    x, y, log_size = _measure(box)
    innovation = predicted.pp + _JITTER**2
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


def surprise(predicted: Motion, box: Box, seconds: float, reach: float) -> float:
    """Minus twice the log likelihood of ``box``, up to a constant; ``inf`` where it cannot be the same face.

    That is where the centre is more than ``reach`` sizes from the predicted one, or the size more than doubled or
    halved. ``seconds`` is the time since the face was last seen.
    """
    x, y, log_size = _measure(box)
    size = math.exp((predicted.log_size + log_size) / 2)
    distance = math.hypot(x - predicted.x, y - predicted.y) / size
    change = abs(log_size - predicted.log_size)
    if distance > reach or change > math.log(2):
        return math.inf
    variance = predicted.pp + _JITTER**2
    size_variance = _SIZE_JITTER**2 + _SIZE_WANDER**2 * seconds
    return (
        distance**2 / variance
        + 2 * math.log(variance / _JITTER**2)
        + change**2 / size_variance
        + math.log(size_variance / _SIZE_JITTER**2)
    )


def _measure(box: Box) -> tuple[float, float, float]:
    size = math.sqrt(max(box.width, 1.0) * max(box.height, 1.0))
    return box.x + box.width / 2, box.y + box.height / 2, math.log(size)
