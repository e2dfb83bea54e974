"""Frame results in, rows and the timeline out: tracking, smoothing and summing up, one frame after the other."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from mien.domain import LABELS, AnalyzeOptions, FrameResult
from mien.engine.base import Engine
from mien.timeline.model import FrameRow, Timeline
from mien.timeline.packed_rows import PackedRows
from mien.timeline.smoothing import smooth
from mien.timeline.summary import Summarizer
from mien.timeline.tracker import TrackThresholds, track
from mien.video.model import ClipLimits

# With the detector's threshold t, a track is kept by detections down to 0.1 t as long as their mean is at least t, and
# a detection 95 % of the way from t to 1 starts a new track at once. Tuned on seven clips, which are few. The idea is
# ByteTrack's (Zhang et al., 2022).
_KEEP_TRACK = 0.1
_NEW_TRACK = 0.95


class TimelineBuilder:
    """Memory holds only packed rows and sums per person, bounded by ``ClipLimits.max_rows``.

    ``warnings`` are those of the last frame: all frames of a clip are searched alike.
    """

    def __init__(
        self, options: AnalyzeOptions, thresholds: TrackThresholds, smoothed: bool, limits: ClipLimits
    ) -> None:
        self.labels = LABELS[options.labels]
        self._thresholds = thresholds
        self._smoothed = smoothed
        self._limits = limits
        self._rows = PackedRows(self.labels)
        self._summary = Summarizer(self.labels)
        self.warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, results: Iterable[FrameResult]) -> Iterator[FrameRow]:
        """Yield one row per result, as they come.

        Raises:
            TooLarge: there are too many rows.
            And what ``results`` raises.
        """
        rows = track(self._noted(results), self._thresholds)
        if self._smoothed:
            rows = smooth(rows, self.labels)
        count = 0
        for row in rows:
            count += max(1, len(row.faces))
            self._limits.check_rows(count)
            self.add(row)
            yield row

    def _noted(self, results: Iterable[FrameResult]) -> Iterator[FrameResult]:
        for result in results:
            self.warnings = result.warnings
            yield result

    def add(self, row: FrameRow) -> None:
        """Count a row that was tracked before."""
        self._rows.append(row)
        self._summary.add(row)

    def finish(self, shown_until: float) -> Timeline:
        """The timeline of all rows so far, the last of which is shown until then. Call it once."""
        return self._summary.finish(self._rows, shown_until)


def track_thresholds(options: AnalyzeOptions, engine: Engine) -> tuple[AnalyzeOptions, TrackThresholds]:
    """The engine's options and the tracker's thresholds: a new track needs more confidence than an existing one.

    A caller's own ``min_confidence`` is taken as it is.
    """
    if options.min_confidence is not None:
        return options, TrackThresholds()
    threshold = engine.threshold()
    thresholds = TrackThresholds(new_track=threshold + _NEW_TRACK * (1.0 - threshold), keep_track=threshold)
    return replace(options, min_confidence=_KEEP_TRACK * threshold), thresholds
