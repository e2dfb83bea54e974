"""What a service keeps, by its settings; see ``mien.api.privacy``."""

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
    return RetentionOut(
        statement="No picture, clip or result is kept. Each is deleted when its request has been answered, or has "
        f"failed. The answer holds {answers}, goes to the caller, and must not be cached.",
        kept=[],
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
        sent_elsewhere="No one: the service calls no other, and its libraries' telemetry is off.",
        aggregate_only=settings.aggregate_only,
    )


def _law_out(law: Law) -> LawOut:
    return LawOut(rule=law.rule, says=law.says, applies_from=law.applies_from.isoformat(), source=law.source)
