"""The query options of an analysis, as one model: FastAPI checks them and writes them into the OpenAPI page."""

import time
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from mien.domain import AnalyzeOptions, Cancellation, DetectorMode, LabelSet

_MAX_FACES = 1000


class AnalysisQuery(BaseModel):
    """What every analysis understands, of a picture or of a clip."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    detector: DetectorMode = Field(DetectorMode.FAST, description="fast looks at 320 px, accurate at 640 px and closer")
    min_face: float = Field(16, ge=1, le=100_000, description="smallest face reported: shorter side of its box, in px")
    min_confidence: float | None = Field(None, ge=0, le=1, description="by default the detector's own threshold")
    max_faces: int = Field(100, ge=1, le=_MAX_FACES, description="most faces reported at once")
    labels: LabelSet = Field(LabelSet.FERPLUS8, description="which emotions are reported")
    deadline_ms: float | None = Field(
        None,
        ge=1,
        le=3_600_000,
        description="give up (503) so many milliseconds after the upload; no later than the service does so by itself",
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
        """The same for the engine."""
        return AnalyzeOptions(
            detector=self.detector,
            min_face=self.min_face,
            min_confidence=self.min_confidence,
            max_faces=self.max_faces,
            labels=self.labels,
            explain=explain,
        )

    def cancellation(self, is_cancelled: Callable[[], bool], max_seconds: float) -> Cancellation:
        """The deadline starts to run now: ``max_seconds``, or ``deadline_ms`` if that is shorter."""
        seconds = max_seconds if self.deadline_ms is None else min(max_seconds, self.deadline_ms / 1000)
        return Cancellation(time.monotonic() + seconds, is_cancelled)


class PredictQuery(AnalysisQuery):
    """The options of ``POST /predict``."""

    explain: bool = Field(False, description="draw what the classifier looked at into the annotated picture")
    redact: bool = Field(False, description="blur the faces in the annotated picture")


PredictQueryDep = Annotated[PredictQuery, Query()]
