"""The faces to make unrecognisable: found as thoroughly as can be, in a picture or in every frame of a clip."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mien.domain import AnalyzeOptions, Box, Cancellation, DetectorMode, Frame
from mien.engine.base import Engine
from mien.render.canvas import scaled
from mien.render.redact import redact
from mien.timeline.interpolation import TrackInterpolator

_MAX_HIDDEN_FACES = 1_000
# Far below the threshold for reporting: a patch hidden needlessly costs little, a face left visible costs much.
_HIDING_CONFIDENCE = 0.005
_HELD_FRAMES = 3
"""A face hides its place in so many frames before and after: a detector misses single frames of a face that moves."""


def hiding(options: AnalyzeOptions) -> AnalyzeOptions:
    """The most thorough search, also for faces that are too uncertain, small or many to be reported."""
    return replace(
        options,
        detector=DetectorMode.ACCURATE,
        min_face=0.0,
        min_confidence=_HIDING_CONFIDENCE,
        max_faces=_MAX_HIDDEN_FACES,
        explain=False,
        keep_doubles=True,
    )


def hide_faces(
    frames: Iterable[Frame], tracks: TrackInterpolator, engine: Engine, cancellation: Cancellation
) -> Iterator[Frame]:
    """The frames of a clip with the faces of each made unrecognisable: those found in it, in the ``_HELD_FRAMES``
    before and after it, and those of ``tracks`` at its time.

    Raises:
        CapacityError, EngineError: as ``Engine.analyze``.
    """
    analysed: deque[Frame] = deque()
    window: deque[tuple[Frame, list[Box]]] = deque()

    def passing() -> Iterator[Frame]:
        for frame in frames:
            analysed.append(frame)
            yield frame

    waiting = 0  # frames at the end of the window that have not been yielded
    for result in engine.analyze(passing(), hiding(AnalyzeOptions()), cancellation):
        window.append((analysed.popleft(), [face.box for face in result.faces]))
        waiting += 1
        if waiting > _HELD_FRAMES:
            yield _hidden(window, len(window) - waiting, tracks)
            waiting -= 1
        if len(window) - waiting > _HELD_FRAMES:
            window.popleft()
    while waiting:
        yield _hidden(window, len(window) - waiting, tracks)
        waiting -= 1


def _hidden(window: Iterable[tuple[Frame, list[Box]]], at: int, tracks: TrackInterpolator) -> Frame:
    frames = list(window)
    frame = frames[at][0]
    near = frames[max(0, at - _HELD_FRAMES) : at + _HELD_FRAMES + 1]
    boxes = [box for other, found in near if other.scene == frame.scene for box in found]
    boxes += (face.box for face in tracks.at(frame.time))
    scale_x, scale_y = frame.pixels.shape[1] / frame.width, frame.pixels.shape[0] / frame.height
    return replace(frame, pixels=redact(frame.pixels, [scaled(box, scale_x, scale_y) for box in boxes]))
