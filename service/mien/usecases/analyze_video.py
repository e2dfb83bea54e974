"""A clip in, a timeline of people and emotions out; at once, or frame by frame."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from mien.domain import LABELS, AnalyzeOptions, DetectorMode, Frame, FrameResult
from mien.engine.base import Engine
from mien.timeline.model import FrameRow, Timeline
from mien.timeline.packed_rows import PackedRows
from mien.timeline.smoothing import smooth
from mien.timeline.summary import Summarizer
from mien.timeline.tracker import track
from mien.usecases.confidence import confidences
from mien.usecases.pictures import PictureTimes
from mien.video.model import ClipInfo, Sampling
from mien.video.reader import ALONE, ClipReader

# Three times the side at which the detector looks: a face of 16 px there keeps the 48 px that the classifier reads.
_LONG_SIDE = {DetectorMode.FAST: 3 * 320, DetectorMode.ACCURATE: 3 * 640}


class Smoothing(StrEnum):
    """Whether scores are averaged over time: see ``mien.timeline.smoothing``."""

    NONE = "none"
    EMA = "ema"


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """Which frames are looked at, and what becomes of their scores."""

    sampling: Sampling = field(default_factory=Sampling)
    smoothing: Smoothing = Smoothing.EMA


@dataclass(frozen=True, slots=True)
class VideoAnalysis:
    """The answer for one clip. ``duration`` in seconds is where its last frame ends; of a clip that was not
    read to its end, as far as is known."""

    info: ClipInfo
    duration: float
    frames_decoded: int
    frames_analyzed: int
    timeline: Timeline
    warnings: tuple[str, ...]
    times: PictureTimes


class VideoRun:
    """One clip under analysis: draw ``rows()`` to its end, then ask for the ``result()``.

    A context manager; the file is closed at its end. Decoding runs ahead of the engine by the bounded number of frames
    that ``Engine.analyze`` draws, so both overlap. Only the rows, packed, and each person's sums stay in memory; they
    are bounded by ``ClipLimits.max_rows``.

    Raises:
        InputError: the clip cannot be read or is over a limit.
    """

    def __init__(
        self, path: Path, options: AnalyzeOptions, video: VideoOptions, *, engine: Engine, clips: ClipReader = ALONE
    ) -> None:
        self._started = time.monotonic()
        self._options = options
        self._video = video
        self._engine = engine
        side = _LONG_SIDE[options.detector]
        self._clip = clips.open(path, video.sampling, side, options)
        self._labels = LABELS[options.labels]
        self._limits = clips.limits
        self._rows = PackedRows(self._labels)
        self._summary = Summarizer(self._labels)
        self._decode = 0.0
        self._queue = self._detect = self._classify = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clip.close()

    @property
    def info(self) -> ClipInfo:
        """What the container says of the clip."""
        return self._clip.info

    @property
    def labels(self) -> tuple[str, ...]:
        """The emotions, in the order of every row's scores."""
        return self._labels

    def rows(self) -> Iterator[FrameRow]:
        """One row a sampled frame, as they come.

        Raises:
            InputError: the clip turns out to be over a limit.
            CapacityError, EngineError: as ``Engine.analyze``.
        """
        asked, bounds = confidences(self._options, self._engine)
        results = self._engine.analyze(self._frames(), asked)
        rows = track(self._timed(results), bounds)
        if self._video.smoothing is Smoothing.EMA:
            rows = smooth(rows, self._labels)
        count = 0
        for row in rows:
            count += max(1, len(row.faces))
            self._limits.check_rows(count)
            self._rows.append(row)
            self._summary.add(row)
            yield row

    def result(self) -> VideoAnalysis:
        """The analysis of the rows drawn so far, of a whole clip once ``rows()`` is exhausted; no more can follow."""
        timeline = self._summary.finish(self._rows, self._clip.shown_until)
        return VideoAnalysis(
            info=self._clip.info,
            duration=self._clip.duration,
            frames_decoded=self._clip.frames_decoded,
            frames_analyzed=len(self._rows),
            timeline=timeline,
            warnings=self._clip.warnings,
            times=PictureTimes(
                decode=self._decode * 1000,
                queue=self._queue,
                detect=self._detect,
                classify=self._classify,
                total=(time.monotonic() - self._started) * 1000,
            ),
        )

    def _frames(self) -> Iterator[Frame]:
        frames = self._clip.frames()
        while True:
            before = time.monotonic()
            frame = next(frames, None)
            self._decode += time.monotonic() - before
            if frame is None:
                return
            yield frame

    def _timed(self, results: Iterator[FrameResult]) -> Iterator[FrameResult]:
        for result in results:
            self._queue += result.times.queue
            self._detect += result.times.detect
            self._classify += result.times.classify
            yield result


def analyze_video(
    path: Path, options: AnalyzeOptions, video: VideoOptions, *, engine: Engine, clips: ClipReader = ALONE
) -> VideoAnalysis:
    """Analyse a whole clip.

    Raises:
        InputError: the clip cannot be read or is over a limit.
        CapacityError: the engine is full, the deadline passed or the caller hung up.
        EngineError: the engine is closed or a model run failed.
    """
    with VideoRun(path, options, video, engine=engine, clips=clips) as run:
        for _ in run.rows():
            pass
        return run.result()
