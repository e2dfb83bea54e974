"""The work of one clip job, step by step. A step that was interrupted is done again, and then does the same."""

import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from mien.domain import Cancellation
from mien.engine.base import Engine
from mien.errors import EngineClosed, ModelsReplaced
from mien.jobs.local_clips import LocalClips
from mien.jobs.media_store import MediaStore
from mien.jobs.model import JobRequest, SegmentTask, StoredJob, annotated_key, result_key, segments_prefix
from mien.memory import trimmer
from mien.telemetry.job_metrics import JobMetrics
from mien.usecases.analysis_file import analysis_pieces, read_analysis
from mien.usecases.annotate_video import annotate_video
from mien.usecases.clip_segments import analyze_segment, facts_of, join_segments
from mien.video.parts import can_join
from mien.video.reader import ClipReader

_LOGGER = logging.getLogger("mien.jobs")
_ENGINE_POLL_SECONDS = 0.05
_TURN_POLL_SECONDS = 0.1
_SMALL = 64  # px: no frame is looked at

Members = dict[str, Any]
"""Of a JSON object: what a step leaves in the database."""


class JobInterrupted(BaseException):
    """The process stops: the job goes on when it runs again. No ``Exception``, which would end the job."""


@dataclass(frozen=True, slots=True)
class ClipWork:
    """What every job works with.

    ``engine`` gives the engine once there is one. ``turns`` bounds how many clips are cut, joined or annotated at once
    in this process; segments are bounded by their queue.
    """

    store: MediaStore
    local: LocalClips
    engine: Callable[[], Engine | None]
    clips: ClipReader
    segment_seconds: float
    spool: Path | None
    metrics: JobMetrics
    stopping: threading.Event
    turns: threading.Semaphore
    trim: Callable[[], None] | None = field(default_factory=trimmer)

    def plan(self, stored: StoredJob, cancellation: Cancellation) -> Members:
        """The bounds of the segments, the models that analyse them, and the seconds of each as far as they are known.

        Raises:
            InputError: the clip cannot be read, or is over a limit.
        """
        sampling = stored.request.video.sampling
        with self._turn(cancellation), self.local.opened(stored.upload) as path:
            length = check_clip(self.clips, path, stored.request, cancellation)
            bounds = self.clips.divide(path, sampling, self.segment_seconds, cancellation)
        self._trim()
        if length is not None:
            length = max(0.0, min(length, sampling.end or length) - sampling.start)
        return {
            "bounds": msgspec.to_builtins(bounds),
            "models": _models(self._engine()),
            "seconds": (length or 0.0) / len(bounds),
        }

    def segment(self, task: SegmentTask, cancellation: Cancellation) -> float:
        """Analyse a segment and store its detections; returns the seconds it took."""
        started = time.monotonic()
        key = segments_prefix(task.job) + task.name
        if self.store.has(key):
            return 0.0  # a process was killed before it could note that the segment was done
        engine = self._engine()
        if _models(engine) != task.models:
            raise ModelsReplaced("The models were replaced while the job was under way; submit the clip again.")
        try:
            with self.local.opened(task.upload) as path:
                detections = analyze_segment(
                    path,
                    task.bounds,
                    task.request.options,
                    task.request.video,
                    cancellation,
                    engine=engine,
                    clips=self.clips,
                )
        except EngineClosed:
            raise JobInterrupted from None
        self.store.put(key, detections)
        self._trim()
        seconds = time.monotonic() - started
        self.metrics.segment(seconds)
        fields = {"job": task.job, "segment": task.name, "seconds": round(seconds, 3)}
        _LOGGER.info("segment done", extra={"fields": fields})
        return seconds

    def join(
        self, job: str, names: Sequence[str], request: JobRequest, models: dict[str, str], cancellation: Cancellation
    ) -> bool:
        """Store the analysis of the whole clip; false if it has to be read at once."""
        with self._turn(cancellation):
            segments = (self.store.get(segments_prefix(job) + name) for name in names)
            if len(names) > 1 and not can_join([facts_of(segment) for segment in segments]):
                return False
            joined = join_segments(
                (self.store.get(segments_prefix(job) + name) for name in names),
                request.options,
                request.video,
                engine=self._engine(),
                limits=self.clips.limits,
            )
            if joined is None:
                return False
            pieces = analysis_pieces(joined, request.options.labels, models)
            self.store.put(result_key(job), self._checked(pieces))
        return True

    def annotate(self, job: str, stored: StoredJob, cancellation: Cancellation) -> None:
        """Store the annotated clip."""
        with (
            self._turn(cancellation),
            self.local.opened(stored.upload) as path,
            tempfile.TemporaryDirectory(prefix="mien-job-", dir=self.spool) as folder,
        ):
            with self.store.opened(result_key(job)) as file:
                analysis, _ = read_analysis(file)
            target = Path(folder, "annotated.mp4")
            video, redact = stored.request.video, stored.request.redact
            hider = self._engine() if redact else None
            try:
                for _ in annotate_video(path, target, analysis, video, cancellation, clips=self.clips, hider=hider):
                    pass
            except EngineClosed:
                raise JobInterrupted from None
            self.store.put(annotated_key(job), target)

    def _trim(self) -> None:
        # The index of a clip of hours takes tens of megabytes, which every thread that had one would keep.
        if self.trim is not None:
            self.trim()

    @contextmanager
    def _turn(self, cancellation: Cancellation) -> Iterator[None]:
        while not self.turns.acquire(timeout=_TURN_POLL_SECONDS):
            cancellation.raise_if_cancelled()
        try:
            yield
        finally:
            self.turns.release()

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


def check_clip(clips: ClipReader, path: Path, request: JobRequest, cancellation: Cancellation) -> float | None:
    """The length of the clip in seconds, where its header tells.

    Raises:
        InputError: it cannot be read or is over a limit of ``clips``, as far as its header tells.
    """
    with clips.open(path, request.video.sampling, _SMALL, cancellation) as opened:
        return opened.info.duration


def _models(engine: Engine) -> dict[str, str]:
    return {model.name: model.version for model in engine.models() if model.active}
