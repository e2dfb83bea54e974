"""The query options of ``POST /analyze-video``."""

from enum import StrEnum
from typing import Annotated

from fastapi import Query
from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from mien.api.queries import AnalysisQuery
from mien.usecases.analyze_video import Smoothing, VideoOptions
from mien.video.model import Sampling


class Mode(StrEnum):
    """How the answer comes. Both mean now until there are jobs."""

    AUTO = "auto"
    SYNC = "sync"


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
"""Frames a second; ``None`` for ``native``."""


class VideoQuery(AnalysisQuery):
    """The options of ``POST /analyze-video``."""

    fps: Rate = Field(5.0, gt=0, le=1000, description="frames looked at a second of the clip; native: every frame")
    start: float = Field(0.0, ge=0, description="seconds into the clip at which to begin")
    end: float | None = Field(None, gt=0, description="seconds into the clip at which to stop")
    smoothing: Smoothing = Field(Smoothing.EMA, description="ema: scores averaged over a quarter of a second; none")
    mode: Mode = Field(Mode.AUTO, description="how the answer comes; both mean at once")

    def to_video(self) -> VideoOptions:
        """The same for the use case.

        Raises:
            InvalidOption: ``end`` is not after ``start``.
        """
        return VideoOptions(Sampling(self.fps, self.start, self.end), self.smoothing)


VideoQueryDep = Annotated[VideoQuery, Query()]
