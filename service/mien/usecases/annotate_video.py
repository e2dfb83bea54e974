"""An analysed clip in, the same clip with boxes and names around its people out."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from mien.domain import NEVER_CANCELLED, Cancellation, Frame
from mien.engine.base import Engine
from mien.render.annotate import ClipAnnotator
from mien.timeline.interpolation import TrackInterpolator
from mien.timeline.model import Timeline
from mien.usecases.analyze_video import VideoOptions
from mien.usecases.hide_faces import hide_faces
from mien.video.reader import ALONE, ClipReader
from mien.video.remux import remux

_LONG_SIDE = 1920  # Full HD plays everywhere; more takes long to write and few could see the difference
_LOG = logging.getLogger(__name__)


class DrawnAnalysis(Protocol):
    """What is drawn of a clip's analysis; ``duration`` is in seconds."""

    @property
    def timeline(self) -> Timeline: ...
    @property
    def duration(self) -> float: ...


def annotate_video(
    path: Path,
    target: Path,
    analysis: DrawnAnalysis,
    video: VideoOptions,
    cancellation: Cancellation = NEVER_CANCELLED,
    *,
    clips: ClipReader = ALONE,
    hider: Engine | None = None,
    tell: Callable[[str], None] = _LOG.warning,
) -> Iterator[float]:
    """Write ``target``, an MP4 of the analysed part of ``path``, at most 1,920 pixels on the long side.

    It has every frame of the clip at its own time (relative to ``start``) with boxes interpolated between the analysed
    frames, and the sound. If ``hider`` is given, every frame is searched by it, and its faces are made unrecognisable
    before anything is drawn; see ``mien.usecases.hide_faces``. ``tell`` is called with a sentence about sound that
    could not be kept. Yields the time of each frame written; the file is complete once the iterator is exhausted.

    Raises:
        InputError: the clip cannot be read (any more).
        InvalidOption: no frame begins in that part.
        CapacityError: the deadline passed or the request was cancelled.
        EngineError: ``hider`` is closed or a model run failed.
    """
    with clips.open(path, replace(video.sampling, fps=None), _LONG_SIDE, cancellation) as clip:
        frames = clip.frames()
        if hider is not None:
            frames = hide_faces(frames, TrackInterpolator(analysis.timeline.rows), hider, cancellation)
        yield from remux(clip, _draw(frames, analysis.timeline), target, analysis.duration, tell)


def _draw(frames: Iterator[Frame], timeline: Timeline) -> Iterator[Frame]:
    tracks = TrackInterpolator(timeline.rows)
    annotator = ClipAnnotator()
    for frame in frames:
        annotator.draw(frame.pixels, tracks.at(frame.time), frame.width, frame.height, frame.time)
        yield frame
