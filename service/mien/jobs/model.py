"""What a job is: the request as stored, and its state as told."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import msgspec

from mien.domain import AnalyzeOptions
from mien.usecases.analyze_video import VideoOptions


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A clip to analyse. ``annotated`` asks for an annotated clip beside the analysis; ``webhook`` is the address that
    is told of the end; ``request_id`` is that of the submission, and ``owner`` names its caller; ``redact`` hides the
    faces in the annotated clip."""

    options: AnalyzeOptions
    video: VideoOptions
    annotated: bool = False
    webhook: str | None = None
    request_id: str = ""
    owner: str = ""
    redact: bool = False

    def fingerprint(self, clip: Path) -> str:
        """Equal for requests that ask the same of the same clip: everything counts but the request id and the owner."""
        asked = msgspec.json.encode([self.options, self.video, self.annotated, self.webhook, self.redact])
        with clip.open("rb") as file:
            return hashlib.sha256(asked + hashlib.file_digest(file, "sha256").digest()).hexdigest()


@dataclass(frozen=True, slots=True)
class StoredJob:
    """The input of a job's workflow; ``upload`` is the clip's key in the object store."""

    request: JobRequest
    upload: str
    fingerprint: str

    def to_json(self) -> dict[str, Any]:
        """As members of a JSON object."""
        return dict(msgspec.to_builtins(self))

    @classmethod
    def of_json(cls, members: object) -> Self:
        """From such members."""
        return msgspec.convert(members, cls)


class JobState(StrEnum):
    """``queued`` and ``running`` jobs are active, the others have ended."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_active(self) -> bool:
        return self in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``segments`` are analysed, which took ``busy`` seconds."""

    segments: int = 0
    done: int = 0
    busy: float = 0.0

    @property
    def share(self) -> float:
        return self.done / self.segments if self.segments else 0.0

    @property
    def eta(self) -> float | None:
        """Seconds of work left."""
        return self.busy / self.done * (self.segments - self.done) if self.done else None


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One job. Times are seconds since 1970; ``error`` is a code and a sentence."""

    id: str
    state: JobState
    request: JobRequest
    created: float
    started: float | None = None
    finished: float | None = None
    progress: Progress = Progress()
    error: tuple[str, str] | None = None


def result_key(job: str) -> str:
    """Where a job's analysis lies in the object store."""
    return f"jobs/{job}/result"


def annotated_key(job: str) -> str:
    """Where a job's annotated clip lies."""
    return f"jobs/{job}/annotated.mp4"


def segments_prefix(job: str) -> str:
    """What the keys of a job's segments begin with."""
    return f"jobs/{job}/segments/"


def job_prefix(job: str) -> str:
    """What the keys of everything of a job begin with, but for its upload."""
    return f"jobs/{job}/"
