"""The forms of a clip's analysis: the same for the answer of a request and the result of a job."""

from collections.abc import Generator, Iterator, Mapping
from itertools import islice
from typing import Any

from mien.domain import StageTimes
from mien.images.encode import Encoding, encode
from mien.render.charts import plot
from mien.usecases.analyze_video import VideoAnalysis
from mien.usecases.clip_formats import CSV, PARQUET, TEXTS, parquet, tables
from mien.usecases.picture_document import timing_document, to_json
from mien.usecases.video_document import analysis_chunks, row_document, summary_chunks
from mien.video.model import Sampling

JSON, NDJSON, PNG, MP4 = "application/json", "application/x-ndjson", "image/png", "video/mp4"
FILES = frozenset({PNG, PARQUET})
"""The forms that are not text; the clip with its people drawn in is made elsewhere."""
_PEOPLE_PER_PIECE = 100  # the event loop is handed one piece at a time

Models = Mapping[str, str]
"""The version of every model that answered, by name."""


def offers() -> tuple[str, ...]:
    """The media types, the most useful first."""
    return (JSON, CSV, NDJSON, PNG, MP4, *(name for name in TEXTS if name != CSV), *tables())


def text(
    analysis: VideoAnalysis, media_type: str, request_id: str, models: Models, waited_ms: float = 0.0
) -> Iterator[str]:
    """The whole answer as one JSON object, as NDJSON, or as one of ``TEXTS``."""
    if media_type in TEXTS:
        return iter(TEXTS[media_type](analysis.timeline))
    if media_type == NDJSON:
        return _lines(analysis, request_id, models, waited_ms)
    after = {"models": dict(models), "timing_ms": timing_document(analysis.times, waited_ms)}
    return analysis_chunks(analysis, {"request_id": request_id}, after)


def file(analysis: VideoAnalysis, media_type: str, sampling: Sampling) -> bytes:
    """The answer as one of ``FILES``: a plot of the scores over time, or the columns of the CSV as Parquet."""
    if media_type == PARQUET:
        return parquet(analysis.timeline)
    end = analysis.duration if sampling.end is None else min(sampling.end, analysis.duration)
    return encode(plot(analysis.timeline, sampling.start, end), Encoding.PNG)


def start_line(request_id: str, models: Models) -> str:
    """The first line of NDJSON."""
    return line("start", {"request_id": request_id, "models": dict(models)})


def end_line(analysis: VideoAnalysis, times: StageTimes, waited_ms: float) -> Generator[str]:
    """The last line of NDJSON, in pieces."""
    summary = summary_chunks(analysis, {"type": "end"}, {"timing_ms": timing_document(times, waited_ms)})
    while piece := "".join(islice(summary, _PEOPLE_PER_PIECE)):
        yield piece
    yield "\n"


def line(kind: str, members: Mapping[str, Any]) -> str:
    """A line of NDJSON, told apart by ``type``."""
    return to_json({"type": kind, **members}) + "\n"


def _lines(analysis: VideoAnalysis, request_id: str, models: Models, waited_ms: float) -> Iterator[str]:
    timeline = analysis.timeline
    yield start_line(request_id, models)
    for row in timeline.rows:
        yield line("frame", row_document(row, timeline.labels))
    yield from end_line(analysis, analysis.times, waited_ms)
