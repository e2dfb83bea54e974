"""One clip of one caller, from when it lies in a file: every form of answer."""

import logging
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from mien.api.dependencies import Recorder
from mien.api.errors import problem_of
from mien.api.uploads.spool import room_needed
from mien.domain import AnalyzeOptions, Cancellation
from mien.engine.base import Engine
from mien.errors import MienError
from mien.images.encode import Encoding, encode
from mien.render.charts import plot
from mien.render.tables import csv_lines
from mien.usecases.analyze_video import VideoAnalysis, VideoOptions, VideoRun, analyze_video
from mien.usecases.annotate_video import annotate_video
from mien.usecases.picture_document import timing_document, to_json
from mien.usecases.video_document import analysis_chunks, row_document, summary_chunks
from mien.video.reader import ClipReader

_LOG = logging.getLogger(__name__)
_PEOPLE_A_PIECE = 100  # a piece is handed to the event loop at a time


@dataclass(frozen=True, slots=True)
class VideoCall:
    """Runs in a worker thread; knows nothing of the connection."""

    request_id: str
    clip: Path
    options: AnalyzeOptions
    video: VideoOptions
    cancellation: Cancellation
    engine: Engine
    clips: ClipReader
    recorder: Recorder
    arrived: float = field(default_factory=time.monotonic)

    def json(self) -> Iterator[str]:
        """The whole answer as one object, in pieces: made when they are drawn, once the clip is analysed."""
        analysis, waited_ms = self._analyzed()
        after = {"models": self._models(), "timing_ms": timing_document(analysis.times, waited_ms)}
        return analysis_chunks(analysis, {"request_id": self.request_id}, after)

    def csv(self) -> Iterator[str]:
        """A table, one row a face, in pieces as those of ``json``."""
        analysis, _ = self._analyzed()
        return csv_lines(analysis.timeline.rows, analysis.timeline.labels)

    def plot(self) -> bytes:
        """A PNG file of the scores over time."""
        analysis, _ = self._analyzed()
        sampling = self.video.sampling
        end = analysis.duration if sampling.end is None else min(sampling.end, analysis.duration)
        return encode(plot(analysis.timeline, sampling.start, end), Encoding.PNG)

    def annotated(self, target: Path) -> Path:
        """An MP4 file at ``target`` with people boxed and named.

        Raises:
            StorageFull: when there is no room for it.
        """
        analysis, _ = self._analyzed()
        before = time.monotonic()
        with room_needed("the annotated clip"):
            for _ in annotate_video(
                self.clip, target, analysis, self.video, self.cancellation, clips=self.clips, tell=self._log
            ):
                pass
        self.recorder.stage("render", time.monotonic() - before)
        return target

    def lines(self) -> Generator[str]:
        """JSON objects a line, told apart by ``type``: ``start``, ``frame`` as they come, ``end`` or ``error``.

        A long line comes in pieces.
        """
        waited_ms = self._waited_ms()
        with VideoRun(
            self.clip, self.options, self.video, self.cancellation, engine=self.engine, clips=self.clips
        ) as run:
            rows = run.rows()
            first = next(rows, None)  # until here an error can be an answer of its own
            yield _line("start", {"request_id": self.request_id, "models": self._models()})
            try:
                for row in chain([first] if first is not None else [], rows):
                    yield _line("frame", row_document(row, run.labels))
            except MienError as error:
                # Half an answer is out, its status with it: the error is a line like the others.
                problem = problem_of(error)
                members = {"status": problem.status, "title": problem.title, "detail": problem.detail}
                yield _line("error", {**members, "code": problem.code, **problem.extra, "request_id": self.request_id})
                return
            analysis = run.result()
            self._record(analysis, waited_ms)
            summary = summary_chunks(
                analysis, {"type": "end"}, {"timing_ms": timing_document(analysis.times, waited_ms)}
            )
            while piece := "".join(islice(summary, _PEOPLE_A_PIECE)):
                yield piece
            yield "\n"

    def _analyzed(self) -> tuple[VideoAnalysis, float]:
        waited_ms = self._waited_ms()
        analysis = analyze_video(
            self.clip, self.options, self.video, self.cancellation, engine=self.engine, clips=self.clips
        )
        self._record(analysis, waited_ms)
        return analysis, waited_ms

    def _waited_ms(self) -> float:
        return (time.monotonic() - self.arrived) * 1000

    def _record(self, analysis: VideoAnalysis, waited_ms: float) -> None:
        times = analysis.times
        stages = {"queue": times.queue + waited_ms, "decode": times.decode}
        for name, milliseconds in {**stages, "detect": times.detect, "classify": times.classify}.items():
            self.recorder.stage(name, milliseconds / 1000)

    def _log(self, warning: str) -> None:
        # An MP4 has no place for it.
        _LOG.warning(warning, extra={"fields": {"request_id": self.request_id}})

    def _models(self) -> dict[str, str]:
        return {model.name: model.version for model in self.engine.models() if model.active}


def _line(kind: str, members: Mapping[str, Any]) -> str:
    return to_json({"type": kind, **members}) + "\n"
