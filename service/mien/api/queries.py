"""The query options of an analysis, as models: FastAPI checks them and writes them into the OpenAPI document."""

import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from mien.domain import AnalyzeOptions, Cancellation, DetectorMode, LabelSet
from mien.errors import InvalidOption
from mien.usecases.analyze_video import Smoothing, VideoOptions
from mien.video.model import Sampling

MAX_FACES = 1000

_ADVICE: Mapping[str, str] = {
    "enum": "write {expected}",
    "greater_than": "write a number above {gt:g}",
    "greater_than_equal": "write a number of at least {ge:g}",
    "less_than": "write a number below {lt:g}",
    "less_than_equal": "write a number of at most {le:g}",
    "finite_number": "write a finite number",
    "float_parsing": "write a number",
    "int_parsing": "write a whole number",
    "int_parsing_size": "write a smaller number",
    "int_from_float": "write a whole number",
    "bool_parsing": "write true or false",
}
"""By pydantic's types of errors."""


class AnalysisQuery(BaseModel):
    """The options of every analysis, of pictures or of a clip."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    detector: DetectorMode = Field(
        DetectorMode.AUTO,
        description="how closely to look: fast at 320 px, auto up to 1,280 px, accurate up to 5,120 px and turned",
    )
    min_face: float = Field(8, ge=1, le=100_000, description="smallest face reported: shorter side of its box, in px")
    min_confidence: float | None = Field(None, ge=0, le=1, description="default: the detector's own threshold")
    max_faces: int = Field(100, ge=1, le=MAX_FACES, description="maximum number of faces reported at once")
    labels: LabelSet = Field(LabelSet.FERPLUS8, description="which emotions are reported")
    deadline_ms: float | None = Field(
        None,
        ge=1,
        le=3_600_000,
        description="milliseconds after the upload at which to give up (503); the service's own limit if that is less",
    )

    @model_validator(mode="before")
    @classmethod
    def _name_unknown_options(cls, values: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(values) - set(cls.model_fields))
        if unknown:
            raise PydanticCustomError(
                "unknown_option",
                "There is no option {option}; the options are {known}.",
                {"option": unknown[0], "known": ", ".join(sorted(cls.model_fields))},
            )
        return values

    def to_domain(self, explain: bool = False) -> AnalyzeOptions:
        """The options for the engine."""
        return AnalyzeOptions(
            detector=self.detector,
            min_face=self.min_face,
            min_confidence=self.min_confidence,
            max_faces=self.max_faces,
            labels=self.labels,
            explain=explain,
        )

    def cancellation(self, is_cancelled: Callable[[], bool], max_seconds: float) -> Cancellation:
        """The deadline is ``deadline_ms`` from now, and at most ``max_seconds``."""
        seconds = max_seconds if self.deadline_ms is None else min(max_seconds, self.deadline_ms / 1000)
        return Cancellation(time.monotonic() + seconds, is_cancelled)


class PredictQuery(AnalysisQuery):
    """The options of ``POST /predict``."""

    explain: bool = Field(False, description="draw the activation map of the classifier into the annotated picture")
    redact: bool = Field(False, description="blur the faces in the annotated picture")


class Mode(StrEnum):
    """How the answer is delivered: ``sync`` in the response, ``async`` as a job, ``auto`` as its length suggests."""

    AUTO = "auto"
    SYNC = "sync"
    ASYNC = "async"


def _rate(value: object) -> object:
    if value == "native":
        return None
    try:
        return float(str(value))
    except ValueError:
        raise PydanticCustomError("rate", "write a number or native") from None


Rate = Annotated[
    float | None,
    BeforeValidator(_rate),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": 1000}, {"type": "string", "enum": ["native"]}]}
    ),
]
"""Frames per second; ``None`` for ``native``."""


class VideoQuery(AnalysisQuery):
    """The options of ``POST /analyze-video``."""

    fps: Rate = Field(5.0, gt=0, le=1000, description="frames analysed per second of the clip; native: every frame")
    start: float = Field(0.0, ge=0, description="seconds into the clip at which to begin")
    end: float | None = Field(None, gt=0, description="seconds into the clip at which to stop")
    redact: bool = Field(False, description="make the faces unrecognisable in the annotated clip")
    smoothing: Smoothing = Field(Smoothing.EMA, description="ema: scores averaged over a quarter of a second; none")
    mode: Mode = Field(Mode.AUTO, description="sync: answered at once; async: as a job; auto: as a job if it is long")
    webhook: str | None = Field(None, max_length=2000, description="URL to which the end of a job is reported")

    def to_video(self) -> VideoOptions:
        """The options for the use case.

        Raises:
            InvalidOption: ``end`` is not after ``start``.
        """
        return VideoOptions(Sampling(self.fps, self.start, self.end), self.smoothing)


PredictQueryDep = Annotated[PredictQuery, Query()]
VideoQueryDep = Annotated[VideoQuery, Query()]


def option_error(error: Mapping[str, Any]) -> InvalidOption:
    """One of pydantic's errors (a member of ``ValidationError.errors()``), in words for the caller."""
    context: Mapping[str, Any] = error.get("ctx", {})
    if error["type"] == "unknown_option":
        return InvalidOption(str(context["option"]), error["msg"])
    name = str(error["loc"][-1])
    advice = _ADVICE.get(error["type"])
    advice = error["msg"] if advice is None else advice.format(**context).replace("'", "")
    return InvalidOption(name, f"The option {name} is wrong: {advice}.")
