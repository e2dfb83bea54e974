"""The types that every layer shares: frozen dataclasses over numpy, with almost no behaviour.

Coordinates are pixels of the upright picture, x to the right and y down, with the origin at its top left corner.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from mien.errors import Cancelled, DeadlineExceeded

U8Array = NDArray[np.uint8]
F32Array = NDArray[np.float32]


class LabelSet(StrEnum):
    """Which emotions are reported; ``LABELS`` has their names."""

    FERPLUS8 = "ferplus8"
    BASIC7 = "basic7"
    BASIC5 = "basic5"
    FER2013 = "fer2013"


_FERPLUS8 = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")
LABELS: Mapping[LabelSet, tuple[str, ...]] = MappingProxyType(
    {
        LabelSet.FERPLUS8: _FERPLUS8,
        LabelSet.BASIC7: _FERPLUS8[:7],
        LabelSet.BASIC5: _FERPLUS8[:5],
        LabelSet.FER2013: _FERPLUS8[:7],
    }
)


class DetectorMode(StrEnum):
    """How many pixels the detector may look at per picture: see ``mien.vision.pyramid``. ``fast`` is one small pass,
    ``auto`` sees a picture at up to 1,280 px and ``accurate`` at up to 5,120 px on the long side."""

    AUTO = "auto"
    FAST = "fast"
    ACCURATE = "accurate"


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned rectangle in pixels of the upright picture."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Five points (x, y) in pixels of the upright picture; right and left are the subject's own."""

    right_eye: tuple[float, float]
    left_eye: tuple[float, float]
    nose: tuple[float, float]
    right_mouth: tuple[float, float]
    left_mouth: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a face can be assessed; the scales are defined in ``mien.vision.quality``.

    ``size`` is the shorter side of the box in pixels; ``reasons`` is empty exactly when ``ok``.
    """

    sharpness: float
    brightness: float
    size: float
    pose: float
    ok: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FrameInfo:
    """A ``Frame`` without its pixels."""

    width: int
    height: int
    time: float
    index: int
    scene: int
    readable: Box | None = None


def _no_release() -> None:
    """No-op release."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One upright picture, or one picture of a clip.

    ``pixels`` is ``uint8 [h, w, 3]``, BGR. It may be a reduced decode: ``width`` and ``height`` are those of the
    full upright picture, and every box is reported in them. ``time`` is the presentation time in seconds (0 for a
    still), ``index`` the number of the frame in decode order, ``scene`` the number of shot boundaries before it.

    ``readable`` is the part of the picture that could be decoded, in pixels of the upright picture; ``None`` means all
    of it. Pixels outside it are meaningless. ``warnings`` are sentences about it for the caller.

    ``release`` frees the memory that the pixels hold in the memory budget; the engine calls it after detection.
    Calling it twice is harmless.
    """

    pixels: U8Array
    width: int
    height: int
    time: float = 0.0
    index: int = 0
    scene: int = 0
    release: Callable[[], None] = _no_release
    readable: Box | None = None
    warnings: tuple[str, ...] = ()

    @property
    def info(self) -> FrameInfo:
        return FrameInfo(self.width, self.height, self.time, self.index, self.scene, self.readable)


@dataclass(frozen=True, slots=True)
class AnalyzeOptions:
    """The options of one analysis.

    ``min_face`` is in pixels of the upright picture (shorter side of the box). ``min_confidence`` of ``None`` means
    the detector's own threshold. ``keep_doubles`` keeps what looks like a second box on one head: for redaction,
    hiding some hair is better than showing a neighbour.
    """

    detector: DetectorMode = DetectorMode.AUTO
    min_face: float = 8.0
    min_confidence: float | None = None
    max_faces: int = 100
    labels: LabelSet = LabelSet.FERPLUS8
    explain: bool = False
    keep_doubles: bool = False


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Cancellation:
    """When to give up: at ``deadline``, a ``time.monotonic()`` instant, or once ``is_cancelled()`` is true because the
    caller has disconnected."""

    deadline: float | None = None
    is_cancelled: Callable[[], bool] = _never

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the deadline, at least 0; ``None`` without one."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def raise_if_cancelled(self) -> None:
        """Raise if the request was cancelled or timed out. Call periodically in long loops.

        Raises:
            DeadlineExceeded: the deadline has passed.
            Cancelled: the caller has disconnected.
        """
        if self.seconds_left == 0.0:
            raise DeadlineExceeded("The deadline passed before the answer was ready; allow more time.")
        if self.is_cancelled():
            raise Cancelled("The caller disconnected.")


NEVER_CANCELLED = Cancellation()
"""No deadline, and a caller who stays."""


@dataclass(frozen=True, slots=True, eq=False)
class Activation:
    """Class-activation map of the reported emotion: ``heat`` is float32 ``[k, k]`` in 0..1 over ``region``, the
    classified square in pixels of the upright picture, rotated by ``roll`` degrees clockwise about its centre. It may
    extend beyond the picture."""

    heat: F32Array
    region: Box
    roll: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face. ``scores`` holds one probability per label of the requested label set; they sum to 1."""

    box: Box
    confidence: float
    landmarks: Landmarks
    emotion: str
    score: float
    uncertain: bool
    scores: Mapping[str, float]
    valence: float
    quality: Quality
    activation: Activation | None = None


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Milliseconds: waiting for a worker, decoding, detecting and classifying faces. The stages of several pictures are
    summed and may overlap; ``total`` is wall-clock time."""

    queue: float = 0.0
    decode: float = 0.0
    detect: float = 0.0
    classify: float = 0.0
    total: float = 0.0

    def __add__(self, other: "StageTimes") -> "StageTimes":
        return StageTimes(
            self.queue + other.queue,
            self.decode + other.decode,
            self.detect + other.detect,
            self.classify + other.classify,
            self.total + other.total,
        )


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """The faces of one frame, highest confidence first; ``time``, ``index`` and ``scene`` are those of the frame.

    ``warnings`` are sentences for the caller about what was not looked for.
    """

    width: int
    height: int
    faces: tuple[Face, ...]
    times: StageTimes = StageTimes()
    time: float = 0.0
    index: int = 0
    scene: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineLoad:
    """How busy the engine is: calls in progress, and frames and face crops waiting for a worker."""

    calls: int
    waiting_frames: int
    waiting_crops: int
    busy_workers: int
    workers: int
