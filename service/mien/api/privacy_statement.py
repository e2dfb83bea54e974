"""What a service keeps, by its settings; see ``mien.api.privacy``."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from mien.api.law import DISCLAIMER, LAWS, NOTICE, Law
from mien.settings import Settings
from mien.usecases.aggregate import MIN_PEOPLE


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HeldOut(_Out):
    """One kind of data that the service holds."""

    what: str = Field(description="the data")
    where: str = Field(description="where they are")
    until: str = Field(description="when they are deleted")


class RetentionOut(_Out):
    """What this service, with its settings, does with the data that it gets."""

    statement: str = Field(description="the whole in a few sentences")
    kept: list[HeldOut] = Field(description="what stays after a request has been answered")
    held: list[HeldOut] = Field(description="what is there only until a request has been answered")
    log: str = Field(description="what a line of the log holds, and what it does not")
    sent_elsewhere: str = Field(description="to whom data are sent")
    aggregate_only: bool = Field(description="whether answers hold only counts over at least five people")


class LawOut(_Out):
    """A rule that those who use this service may be under."""

    rule: str = Field(description="article or annex")
    says: str = Field(description="what it says, in short")
    applies_from: str = Field(description="the day from which it applies")
    source: str = Field(description="where its text is")


class PrivacyOut(_Out):
    """The answer of ``GET /privacy``."""

    retention: RetentionOut = Field(description="what is kept, and for how long")
    notice: str = Field(description="a text for the people who are shown to the service; fill in the parts in brackets")
    law: list[LawOut] = Field(description="rules that may apply, each with its source")
    legal_advice: str = Field(description="that this is none")


def privacy_of(settings: Settings) -> PrivacyOut:
    """The statement of a service with these settings."""
    return PrivacyOut(
        retention=_retention(settings), notice=NOTICE, law=[_law_out(law) for law in LAWS], legal_advice=DISCLAIMER
    )


def _retention(settings: Settings) -> RetentionOut:
    answers = f"only counts per label over at least {MIN_PEOPLE} people" if settings.aggregate_only else "the results"
    names = "file names" if settings.log_names else "no file names"
    jobs = "" if settings.aggregate_only else ", except those of jobs: long clips, and those sent with mode=async"
    return RetentionOut(
        statement=f"No picture, clip or result is kept{jobs}. Each is deleted when its request has been answered, or "
        f"has failed. The answer holds {answers}, goes to the caller, and must not be cached.",
        kept=[] if settings.aggregate_only else _of_jobs(settings),
        held=[
            HeldOut(
                what="pictures",
                where=f"memory; above {settings.spool_memory_bytes:,} bytes a file without a name on this machine",
                until="the request has been answered",
            ),
            HeldOut(
                what="clips and annotated clips",
                where="a folder on this machine that only the service can read",
                until="the request has been answered; after a crash, until the service has run again for two minutes",
            ),
        ],
        log="Per request: time, request id, method, route, status, duration, the id of the key, numbers of pictures "
        f"and faces, and {names}; no pictures, results, addresses, or keys and their names.",
        sent_elsewhere=_sent_elsewhere(settings),
        aggregate_only=settings.aggregate_only,
    )


def _of_jobs(settings: Settings) -> list[HeldOut]:
    store = "a folder on this machine" if "://" not in (settings.media_url or "") else "the operator's object store"
    database = "a database on this machine" if settings.database_url is None else "the operator's database"
    ended = f"{_hours(settings.retention)} after the end of the job, or its caller deletes it"
    return [
        HeldOut(what="clips of jobs", where=store, until="the job has ended, or its caller deletes it"),
        HeldOut(
            what="results and annotated clips of jobs, for the callers of their keys alone", where=store, until=ended
        ),
        HeldOut(what="options, times and states of jobs, and the hashes of their clips", where=database, until=ended),
    ]


def _hours(time: timedelta) -> str:
    hours = time.total_seconds() / 3600
    return "1 hour" if hours == 1 else f"{hours:g} hours"


def _sent_elsewhere(settings: Settings) -> str:
    away = []
    if not settings.aggregate_only:
        if settings.database_url is not None or "://" in (settings.media_url or ""):
            away.append("what is kept of jobs, to the operator's database and object store")
        if settings.webhook_secret is not None:
            away.append("the id and the state of a job, to the webhook that its caller names")
    told = "No one: the service calls no other" if not away else f"Only {'; '.join(away)}"
    return f"{told}, and its libraries' telemetry is off."


def _law_out(law: Law) -> LawOut:
    return LawOut(rule=law.rule, says=law.says, applies_from=law.applies_from.isoformat(), source=law.source)
