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

    done: int
    total: int


class JobLinks(BaseModel):
    """Paths on this server."""

    model_config = ConfigDict(frozen=True)

    self: str
    events: str
    result: str


class JobOut(BaseModel):
    """One job."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: JobState
    progress: float = Field(ge=0, le=1, description="the share of the segments that is done")
    segments: SegmentsOut
    eta_seconds: float | None = Field(description="estimated seconds of work left; null if unknown")
    created: datetime
    started: datetime | None
    finished: datetime | None
    error: JobErrorOut | None
    links: JobLinks

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

    jobs: list[JobOut]


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
