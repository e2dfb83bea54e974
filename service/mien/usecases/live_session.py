"""The frames of one camera, as they come, in; their faces with people's numbers out."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mien.domain import LABELS, NEVER_CANCELLED, AnalyzeOptions, Cancellation, Frame, StageTimes
from mien.engine.base import Engine
from mien.errors import UnsupportedMedia
from mien.images.decoder import PictureDecoder
from mien.images.formats import PictureFormat, sniff
from mien.timeline.model import FrameRow
from mien.timeline.smoothing import Smoother
from mien.timeline.tracker import MAX_GAP, Tracker
from mien.usecases.analyze_video import Smoothing
from mien.usecases.person_state import NEW_SESSION, PersonState
from mien.usecases.picture_document import Document, timing_document
from mien.usecases.timeline_builder import track_thresholds
from mien.usecases.video_document import row_document

_FORMATS = (PictureFormat.JPEG, PictureFormat.WEBP, PictureFormat.PNG)
_MAX_HANDOVER = 5.0  # s from one session to the next, after which the people in the picture need not be the same


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How the frames of a camera are analysed, and whether people's scores are smoothed."""

    analysis: AnalyzeOptions = field(default_factory=AnalyzeOptions)
    smoothing: Smoothing = Smoothing.EMA


@dataclass(frozen=True, slots=True)
class LiveResult:
    """One frame: its faces, its size in pixels, sentences about parts that could not be read and faces that were not
    looked for, and the times."""

    row: FrameRow
    width: int
    height: int
    warnings: tuple[str, ...]
    times: StageTimes


class LiveSession:
    """Analyses one frame after the other; people keep their numbers. For one thread at a time.

    Args:
        options: of all frames.
        engine: may be shared with other sessions and requests.
        state: of another session, whose people's numbers are continued.
        clock: seconds since the epoch, on this machine as on the one where ``state`` was saved.
    """

    def __init__(
        self,
        options: LiveOptions,
        *,
        engine: Engine,
        state: PersonState = NEW_SESSION,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._labels = LABELS[options.analysis.labels]
        self._label_set = str(options.analysis.labels)
        self._options, thresholds = track_thresholds(options.analysis, engine)
        self._tracker = Tracker(thresholds, state.tracker)
        averages = state.averages if state.labels == self._label_set else {}
        self._smoother = Smoother(self._labels, averages=averages) if options.smoothing is Smoothing.EMA else None
        self._saved_at = state.saved_at
        self._offset: float | None = None  # from the caller's times to the tracker's

    @property
    def labels(self) -> tuple[str, ...]:
        """The emotions, in the order of every row's scores."""
        return self._labels

    @property
    def state(self) -> PersonState:
        """What another session needs to continue the numbers."""
        averages = {} if self._smoother is None else self._smoother.averages
        return PersonState(self._tracker.state, averages, self._label_set, self._saved_at)

    def decode(
        self, data: bytes, decoder: PictureDecoder, time: float, index: int, cancellation: Cancellation
    ) -> Frame:
        """A frame from the bytes of a JPEG, WebP or PNG file; ``time`` in seconds, ``index`` its number.

        Raises:
            InputError: it cannot be read, or is over one of the decoder's limits.
            CapacityError: it was cancelled or its deadline passed.
        """
        if not _is_frame(data):
            raise UnsupportedMedia(f"a frame must be a {_FORMATS[0]}, {_FORMATS[1]} or {_FORMATS[2]} picture")
        side = self._engine.detector_side(self._options.detector)
        check = cancellation.raise_if_cancelled
        frame = decoder.decode(data, detector_side=side, deadline=cancellation.deadline, check=check)
        return replace(frame, time=time, index=index)

    def analyze(self, frame: Frame, cancellation: Cancellation = NEVER_CANCELLED) -> LiveResult:
        """The faces of the next frame, which is later than the last one. A frame that fails leaves no trace.

        Raises:
            CapacityError: it was cancelled or its deadline passed.
            EngineError: the engine is closed or a model run failed.
        """
        (result,) = self._engine.analyze((frame,), self._options, cancellation)
        numbered = self._tracker.add(replace(result, time=self._continued(frame.time)))
        row = numbered if self._smoother is None else self._smoother.add(numbered)
        row = replace(row, time=frame.time)
        return LiveResult(row, result.width, result.height, (*frame.warnings, *result.warnings), result.times)

    def document(self, result: LiveResult) -> Document:
        """``result`` as JSON values: a row of a clip's timeline, with the frame's size, warnings and times."""
        size = {"width": result.width, "height": result.height}
        timing = timing_document(result.times, 0.0)
        return {
            **row_document(result.row, self._labels),
            **size,
            "warnings": list(result.warnings),
            "timing_ms": timing,
        }

    def _continued(self, at: float) -> float:
        """The tracker's time for ``at``."""
        last, now = self._tracker.state.last_time, self._clock()
        if self._offset is None:
            self._offset = 0.0
            if last > -math.inf:
                # The clocks of two machines differ, and a new connection takes its time: no track ends for that.
                pause = max(now - self._saved_at, 0.0)
                self._offset = last + (min(pause, MAX_GAP) if pause <= _MAX_HANDOVER else pause) - at
        self._saved_at = now
        return at + self._offset


def _is_frame(data: bytes) -> bool:
    try:
        return sniff(data) in _FORMATS
    except UnsupportedMedia:
        return False
