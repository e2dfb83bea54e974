"""The work of one clip job, step by step. A step that was interrupted is done again, and then does the same."""

import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mien.domain import Cancellation
from mien.engine.base import Engine
from mien.errors import EngineClosed, ModelsReplaced
from mien.jobs.media_store import MediaStore
from mien.jobs.model import JobRequest, annotated_key, result_key, segments_prefix
from mien.telemetry.job_metrics import JobMetrics
from mien.usecases.analysis_file import analysis_pieces, read_analysis
from mien.usecases.annotate_video import annotate_video
from mien.usecases.clip_segments import analyze_segment, facts_of, join_segments
from mien.video.parts import PartBounds, can_join
from mien.video.reader import ClipReader

_LOGGER = logging.getLogger("mien.jobs")
_ENGINE_POLL_SECONDS = 0.05
_SMALL = 64  # px: no frame is looked at

Members = dict[str, Any]
"""Of a JSON object: what a step leaves in the database."""


class JobInterrupted(BaseException):
    """The process stops: the job goes on when it runs again. No ``Exception``, which would end the job."""


@dataclass(frozen=True, slots=True)
class JobClip:
    """The clip of a job, in a file on this machine."""

    job: str
    path: Path
    request: JobRequest
    cancellation: Cancellation


@dataclass(frozen=True, slots=True)
class ClipWork:
    """What every job works with; ``engine`` gives the engine once there is one."""

    store: MediaStore
    engine: Callable[[], Engine | None]
    clips: ClipReader
    segment_seconds: float
    spool: Path | None
    metrics: JobMetrics
    stopping: threading.Event

    def plan(self, clip: JobClip) -> Members:
        """The bounds of the segments, and the models that analyse them.

        Raises:
            InputError: the clip cannot be read, or is over a limit.
        """
        sampling, cancellation = clip.request.video.sampling, clip.cancellation
        check_clip(self.clips, clip.path, clip.request, cancellation)
        bounds = self.clips.divide(clip.path, sampling, self.segment_seconds, cancellation)
        return {"bounds": msgspec.to_builtins(bounds), "models": _models(self._engine())}

    def segment(self, clip: JobClip, name: str, plan: Members, at: int) -> Members:
        """Analyse segment ``at`` of ``plan`` and store its detections as ``name``; returns the seconds it took."""
        started = time.monotonic()
        key = segments_prefix(clip.job) + name
        if self.store.has(key):
            return {"seconds": 0.0}  # a process was killed before it could note that the segment was done
        engine = self._engine()
        if _models(engine) != plan["models"]:
            raise ModelsReplaced("The models were replaced while the job was under way; submit the clip again.")
        bounds = msgspec.convert(plan["bounds"][at], PartBounds)
        try:
            detections = analyze_segment(
                clip.path,
                bounds,
                clip.request.options,
                clip.request.video,
                clip.cancellation,
                engine=engine,
                clips=self.clips,
            )
        except EngineClosed:
            raise JobInterrupted from None
        self.store.put(key, detections)
        seconds = time.monotonic() - started
        self.metrics.segment(seconds)
        _LOGGER.info("segment done", extra={"fields": {"job": clip.job, "segment": name, "seconds": round(seconds, 3)}})
        return {"seconds": seconds}

    def join(self, job: str, names: Sequence[str], request: JobRequest, plan: Members) -> Members:
        """Store the analysis of the whole clip; ``joined`` is false if it has to be read at once."""
        segments = (self.store.get(segments_prefix(job) + name) for name in names)
        if len(names) > 1 and not can_join([facts_of(segment) for segment in segments]):
            return {"joined": False}
        joined = join_segments(
            (self.store.get(segments_prefix(job) + name) for name in names),
            request.options,
            request.video,
            engine=self._engine(),
            limits=self.clips.limits,
        )
        if joined is None:
            return {"joined": False}
        pieces = analysis_pieces(joined, request.options.labels, plan["models"])
        self.store.put(result_key(job), self._checked(pieces))
        return {"joined": True, "frames": joined.analysis.frames_analyzed}

    def annotate(self, clip: JobClip) -> None:
        """Store the annotated clip."""
        with self.store.opened(result_key(clip.job)) as file:
            analysis, _ = read_analysis(file)
        with tempfile.TemporaryDirectory(prefix="mien-job-", dir=self.spool) as folder:
            target = Path(folder, "annotated.mp4")
            video, cancellation = clip.request.video, clip.cancellation
            hider = self._engine() if clip.request.redact else None
            try:
                for _ in annotate_video(
                    clip.path, target, analysis, video, cancellation, clips=self.clips, hider=hider
                ):
                    pass
            except EngineClosed:
                raise JobInterrupted from None
            self.store.put(annotated_key(clip.job), target)

    def _checked(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._raise_if_stopping()
            yield piece

    def _engine(self) -> Engine:
        """The engine; a job that is taken up again may be earlier than the models are loaded."""
        while (engine := self.engine()) is None:
            self._raise_if_stopping()
            time.sleep(_ENGINE_POLL_SECONDS)
        return engine

    def _raise_if_stopping(self) -> None:
        if self.stopping.is_set():
            raise JobInterrupted


def check_clip(clips: ClipReader, path: Path, request: JobRequest, cancellation: Cancellation) -> None:
    """Raises ``InputError`` if the clip cannot be read or is over a limit of ``clips``, as far as its header tells."""
    with clips.open(path, request.video.sampling, _SMALL, cancellation):
        pass


def _models(engine: Engine) -> dict[str, str]:
    return {model.name: model.version for model in engine.models() if model.active}
