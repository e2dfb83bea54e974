"""The JSON answers where only aggregates may be answered, described for OpenAPI; as ``mien.api.schemas``."""

from pydantic import BaseModel, ConfigDict, Field

from mien.api.schemas import PictureErrorOut


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _AggregateOut(_Out):
    people: int | None = Field(description="how many people there are; null if withheld")
    counts: dict[str, int] | None = Field(description="people by the label that describes them best; null if withheld")
    withheld: bool = Field(description="there are fewer than five people, so nothing is said of them")


class AggregatePictureOut(_AggregateOut):
    """One picture of a service that answers only aggregates."""

    index: int = Field(description="position among the pictures sent, from 0")
    warnings: list[str] = Field(description="sentences about parts that could not be read")
    error: PictureErrorOut | None = Field(description="why it could not be read; null if it was")


class AggregatePicturesOut(_Out):
    """The answer of ``POST /predict`` of a service that answers only aggregates."""

    request_id: str = Field(description="as in the X-Request-ID header and the service's log")
    images: list[AggregatePictureOut] = Field(description="one entry per picture, in the order sent")
    models: dict[str, str] = Field(description="name and version of the models used")


class AggregateVideoOut(_Out):
    """The clip as read."""

    duration: float = Field(description="seconds, as far as the clip could be read")
    warnings: list[str] = Field(description="sentences about parts that could not be read")


class AggregateClipOut(_AggregateOut):
    """The answer of ``POST /analyze-video`` of a service that answers only aggregates."""

    request_id: str = Field(description="as in the X-Request-ID header and the service's log")
    video: AggregateVideoOut = Field(description="the clip as read")
    models: dict[str, str] = Field(description="name and version of the models used")
