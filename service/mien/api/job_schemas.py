"""Jobs as sent."""

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field

from mien.jobs.model import JobState, JobStatus
from mien.jobs.webhooks import links


class JobErrorOut(BaseModel):
    """Why a job failed."""

    model_config = ConfigDict(frozen=True)

    code: str = Field(description="a stable name of the kind of error, as in problems")
    detail: str = Field(description="what was wrong, and what to do about it")


class SegmentsOut(BaseModel):
    """How far a job is: a clip is analysed in segments."""

    model_config = ConfigDict(frozen=True)

    done: int = Field(description="segments whose detections are stored")
    total: int = Field(description="segments of the clip; 0 until it has been cut")


class JobLinks(BaseModel):
    """Paths on this server."""

    model_config = ConfigDict(frozen=True)

    self: str = Field(description="the job")
    events: str = Field(description="its state as server-sent events")
    result: str = Field(description="the analysis, once the job has succeeded")


class JobOut(BaseModel):
    """One job."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="the job's name")
    state: JobState = Field(description="queued and running jobs are active, the others have ended")
    progress: float = Field(ge=0, le=1, description="the share of the segments that is done")
    segments: SegmentsOut = Field(description="the same in segments")
    eta_seconds: float | None = Field(description="estimated seconds of work left; null if unknown")
    created: datetime = Field(description="when it was submitted")
    started: datetime | None = Field(description="when it was last started")
    finished: datetime | None = Field(description="when it ended")
    error: JobErrorOut | None = Field(description="why it failed")
    links: JobLinks = Field(description="its resources")

    @classmethod
    def of(cls, status: JobStatus) -> "JobOut":
        """A job's state."""
        progress, is_running = status.progress, status.state is JobState.RUNNING
        eta = progress.eta if is_running else None
        return cls(
            id=status.id,
            state=status.state,
            progress=round(progress.share, 4),
            segments=SegmentsOut(done=progress.done, total=progress.segments),
            eta_seconds=None if eta is None else round(eta, 1),
            created=_instant(status.created),
            started=None if status.started is None else _instant(status.started),
            finished=None if status.finished is None else _instant(status.finished),
            error=None if status.error is None else JobErrorOut(code=status.error[0], detail=status.error[1]),
            links=JobLinks(**links(status.id)),
        )


class JobsOut(BaseModel):
    """The newest jobs first."""

    model_config = ConfigDict(frozen=True)

    jobs: list[JobOut] = Field(description="the jobs")


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
