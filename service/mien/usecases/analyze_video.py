"""A clip in, a timeline of people and emotions out; as a whole, or frame by frame."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from mien.domain import NEVER_CANCELLED, AnalyzeOptions, Cancellation, Frame, FrameResult, StageTimes
from mien.engine.base import Engine
from mien.images.decoder import DETECTOR_MARGIN
from mien.timeline.model import FrameRow, Timeline
from mien.usecases.timeline_builder import TimelineBuilder, track_thresholds
from mien.video.model import ClipInfo, Sampling
from mien.video.reader import ALONE, ClipReader

_MAX_LONG_SIDE = 1920  # px of a decoded frame


class Smoothing(StrEnum):
    """Whether scores are averaged over time: see ``mien.timeline.smoothing``."""

    NONE = "none"
    EMA = "ema"


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """Which frames are analysed, and whether their scores are smoothed."""

    sampling: Sampling = field(default_factory=Sampling)
    smoothing: Smoothing = Smoothing.EMA


@dataclass(frozen=True, slots=True)
class VideoAnalysis:
    """The analysis of one clip. ``duration`` in seconds is where its last frame ends, or the best estimate for a clip
    that was not read to its end."""

    info: ClipInfo
    duration: float
    frames_decoded: int
    frames_analyzed: int
    timeline: Timeline
    warnings: tuple[str, ...]
    times: StageTimes


class VideoRun:
    """The analysis of one clip: iterate over ``rows()``, then call ``result()``.

    A context manager that closes the file. Decoding runs ahead of the engine by the bounded number of frames that
    ``Engine.analyze`` draws, so both overlap. Memory: see ``TimelineBuilder``.

    Raises:
        InputError: the clip cannot be read or is over a limit.
    """

    def __init__(
        self,
        path: Path,
        options: AnalyzeOptions,
        video: VideoOptions,
        cancellation: Cancellation = NEVER_CANCELLED,
        *,
        engine: Engine,
        clips: ClipReader = ALONE,
    ) -> None:
        self._started = time.monotonic()
        self._cancellation = cancellation
        self._engine = engine
        self._options, thresholds = track_thresholds(options, engine)
        self._clip = clips.open(path, video.sampling, long_side(options, engine), cancellation)
        self._builder = TimelineBuilder(options, thresholds, video.smoothing is Smoothing.EMA, clips.limits)
        self._decode_seconds = 0.0
        self._times = StageTimes()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clip.close()

    @property
    def info(self) -> ClipInfo:
        """The clip's metadata."""
        return self._clip.info

    @property
    def labels(self) -> tuple[str, ...]:
        """The emotions, in the order of every row's scores."""
        return self._builder.labels

    def rows(self) -> Iterator[FrameRow]:
        """Yield one row per sampled frame.

        Raises:
            InputError: the clip turns out to be over a limit.
            CapacityError, EngineError: as ``Engine.analyze``.
        """
        results = self._engine.analyze(self._frames(), self._options, self._cancellation)
        return self._builder.rows(self._timed(results))

    def result(self) -> VideoAnalysis:
        """The analysis of all rows drawn so far: call it once, after ``rows()``."""
        timeline = self._builder.finish(self._clip.shown_until)
        return VideoAnalysis(
            info=self._clip.info,
            duration=self._clip.duration,
            frames_decoded=self._clip.frames_decoded,
            frames_analyzed=len(self._builder),
            timeline=timeline,
            warnings=(*self._clip.warnings, *self._builder.warnings),
            times=replace(
                self._times, decode=self._decode_seconds * 1000, total=(time.monotonic() - self._started) * 1000
            ),
        )

    def _frames(self) -> Iterator[Frame]:
        frames = self._clip.frames()
        while True:
            started = time.monotonic()
            frame = next(frames, None)
            self._decode_seconds += time.monotonic() - started
            if frame is None:
                return
            yield frame

    def _timed(self, results: Iterator[FrameResult]) -> Iterator[FrameResult]:
        for result in results:
            self._times += result.times
            yield result


def long_side(options: AnalyzeOptions, engine: Engine) -> int:
    """How large frames are decoded, in pixels."""
    return min(_MAX_LONG_SIDE, DETECTOR_MARGIN * engine.detector_side(options.detector))


def analyze_video(
    path: Path,
    options: AnalyzeOptions,
    video: VideoOptions,
    cancellation: Cancellation = NEVER_CANCELLED,
    *,
    engine: Engine,
    clips: ClipReader = ALONE,
) -> VideoAnalysis:
    """Analyse a whole clip.

    Raises:
        InputError: the clip cannot be read or is over a limit.
        CapacityError: the request was cancelled or its deadline passed.
        EngineError: the engine is closed or a model run failed.
    """
    with VideoRun(path, options, video, cancellation, engine=engine, clips=clips) as run:
        for _ in run.rows():
            pass
        return run.result()
