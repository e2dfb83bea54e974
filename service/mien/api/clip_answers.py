"""The forms of a clip's analysis: the same for the answer of a request and the result of a job."""

from collections.abc import Generator, Iterator, Mapping
from itertools import islice
from typing import Any

from mien.domain import StageTimes
from mien.images.encode import Encoding, encode
from mien.render.charts import plot
from mien.render.tables import csv_lines
from mien.usecases.analyze_video import VideoAnalysis
from mien.usecases.picture_document import timing_document, to_json
from mien.usecases.video_document import analysis_chunks, row_document, summary_chunks
from mien.video.model import Sampling

JSON, CSV, NDJSON, PNG, MP4 = "application/json", "text/csv", "application/x-ndjson", "image/png", "video/mp4"
OFFERS = (JSON, CSV, NDJSON, PNG, MP4)
_PEOPLE_PER_PIECE = 100  # the event loop is handed one piece at a time

Models = Mapping[str, str]
"""The version of every model that answered, by name."""


def text(
    analysis: VideoAnalysis, media_type: str, request_id: str, models: Models, waited_ms: float = 0.0
) -> Iterator[str]:
    """The whole answer as one JSON object, as a CSV table with one row per face, or as NDJSON."""
    if media_type == CSV:
        return csv_lines(analysis.timeline.rows, analysis.timeline.labels)
    if media_type == NDJSON:
        return _lines(analysis, request_id, models, waited_ms)
    after = {"models": dict(models), "timing_ms": timing_document(analysis.times, waited_ms)}
    return analysis_chunks(analysis, {"request_id": request_id}, after)


def plotted(analysis: VideoAnalysis, sampling: Sampling) -> bytes:
    """A PNG file of the scores over time."""
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
