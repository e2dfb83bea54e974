"""The words that every layer shares: frozen dataclasses over numpy, with hardly any behaviour of their own.

Coordinates are pixels of the upright picture, x to the right and y down, with the origin at its top left corner.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import Cancelled, DeadlineExceeded

U8Array = NDArray[np.uint8]
F32Array = NDArray[np.float32]


def _nothing() -> None:
    """What releasing a frame does of which nobody keeps count."""


def _never() -> bool:
    return False


class LabelSet(StrEnum):
    """Which emotions are reported: see ``LABELS`` for the words."""

    FERPLUS8 = "ferplus8"
    BASIC7 = "basic7"
    BASIC5 = "basic5"


LABELS: Mapping[LabelSet, tuple[str, ...]] = MappingProxyType(
    {
        LabelSet.FERPLUS8: ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"),
        LabelSet.BASIC7: ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear"),
        LabelSet.BASIC5: ("neutral", "happy", "surprise", "sad", "angry"),
    }
)


class DetectorMode(StrEnum):
    """``fast`` looks at 320 px on the long side, and at 640 where that shows no face; ``accurate`` always at both, at
    parts of large pictures, and at the picture turned where nothing sure was found."""

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
    """How far a face can be judged at all; the scales are defined in ``mien.vision.quality``.

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
    """What is left of a ``Frame`` once its pixels are released; the fields are the frame's own."""

    width: int
    height: int
    time: float
    index: int
    scene: int
    readable: Box | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One upright picture, or one picture of a clip.

    ``pixels`` is ``uint8 [h, w, 3]``, BGR. It may be a reduced decode: ``width`` and ``height`` are those of the
    full upright picture, and every box is reported in them. ``time`` is the presentation time in seconds (0 for a
    still), ``index`` the number of the frame in decode order, ``scene`` the number of cuts seen before it.

    ``readable`` is the part of the picture that could be decoded, in pixels of the upright picture, where that is not
    all of it: outside of it no pixel means anything. ``warnings`` are sentences for the caller about it.

    ``release`` says that the pixels are no longer needed, so that others can be decoded in their place; the engine
    calls it when it has looked for faces. Calling it twice is harmless.
    """

    pixels: U8Array
    width: int
    height: int
    time: float = 0.0
    index: int = 0
    scene: int = 0
    release: Callable[[], None] = _nothing
    readable: Box | None = None
    warnings: tuple[str, ...] = ()

    @property
    def info(self) -> FrameInfo:
        """The frame without its pixels."""
        return FrameInfo(self.width, self.height, self.time, self.index, self.scene, self.readable)


@dataclass(frozen=True, slots=True)
class AnalyzeOptions:
    """What one caller asked of one analysis; passed along as an argument, never stored on a shared object.

    ``min_face`` is in pixels of the upright picture (shorter side of the box). ``min_confidence`` of ``None`` means
    the threshold in the detector's manifest. ``deadline`` is a ``time.monotonic()`` instant, or ``None``;
    ``is_cancelled`` says whether the caller has gone. ``keep_doubles`` keeps what looks like a second box on one head:
    redaction would rather hide some hair too often than a neighbour too seldom.
    """

    detector: DetectorMode = DetectorMode.FAST
    min_face: float = 16.0
    min_confidence: float | None = None
    max_faces: int = 100
    labels: LabelSet = LabelSet.FERPLUS8
    explain: bool = False
    deadline: float | None = None
    is_cancelled: Callable[[], bool] = _never
    keep_doubles: bool = False

    def raise_if_cancelled(self) -> None:
        """To be called now and then in long work, which would else go on for nobody.

        Raises:
            DeadlineExceeded: the deadline has passed.
            Cancelled: the caller has hung up.
        """
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise DeadlineExceeded("The deadline passed before the answer was ready; allow more time.")
        if self.is_cancelled():
            raise Cancelled("The caller hung up.")


@dataclass(frozen=True, slots=True, eq=False)
class Activation:
    """Class-activation map of the reported emotion: ``heat`` is float32 ``[k, k]`` in 0..1 over the square that the
    classifier saw: ``region``, in pixels of the upright picture, turned by ``roll`` degrees clockwise about its centre.
    It may reach past the picture's border."""

    heat: F32Array
    region: Box
    roll: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face. ``scores`` holds a probability per label of the label set asked for, summing to 1."""

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
    """Milliseconds spent waiting for a worker, finding faces and classifying them."""

    queue: float = 0.0
    detect: float = 0.0
    classify: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """The faces of one frame, best confidence first; ``time``, ``index`` and ``scene`` are the frame's own."""

    width: int
    height: int
    faces: tuple[Face, ...]
    times: StageTimes = field(default_factory=StageTimes)
    time: float = 0.0
    index: int = 0
    scene: int = 0


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a model says of itself; ``manifest`` is the parsed ``manifest.toml``, ``active`` whether it serves."""

    name: str
    version: str
    active: bool
    manifest: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EngineHealth:
    """Whether the engine can answer now; ``reason`` is a sentence, empty when ready."""

    ready: bool
    reason: str = ""
    canary_age: float | None = None


@dataclass(frozen=True, slots=True)
class EngineLoad:
    """How busy the engine is: admitted calls of at most ``capacity``, and frames and crops waiting for a worker."""

    calls: int
    capacity: int
    waiting_frames: int
    waiting_crops: int
    busy_workers: int
    workers: int
