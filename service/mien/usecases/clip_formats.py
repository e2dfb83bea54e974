"""The formats of a clip's analysis besides JSON, by media type: the same for the service and the command line."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from mien.render.boris import boris_events
from mien.render.columns import clip_columns, has_parquet, parquet_of
from mien.render.elan import eaf
from mien.render.tables import csv_lines
from mien.render.webvtt import webvtt
from mien.timeline.model import Timeline

CSV = "text/csv"
WEBVTT = "text/vtt"
EAF = "text/x-eaf+xml"
BORIS = "text/tab-separated-values"
PARQUET = "application/vnd.apache.parquet"

TEXTS: Mapping[str, Callable[[Timeline], Iterable[str]]] = MappingProxyType(
    {
        CSV: lambda timeline: csv_lines(timeline.rows, timeline.labels),
        WEBVTT: lambda timeline: (webvtt(timeline),),
        EAF: lambda timeline: (eaf(timeline).decode(),),
        BORIS: lambda timeline: (boris_events(timeline),),
    }
)
"""The pieces of a text in UTF-8."""


def tables() -> tuple[str, ...]:
    """The media types of binary tables for which the libraries are installed."""
    return (PARQUET,) if has_parquet() else ()


def parquet(timeline: Timeline) -> bytes:
    """The columns of the CSV as a Parquet file. Raises ``ImportError`` without pyarrow."""
    return parquet_of(clip_columns(timeline.rows, timeline.labels))
