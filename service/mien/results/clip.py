"""The result of one clip."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from pathlib import Path
from typing import Any, Self

from mien.domain import LABELS, LabelSet
from mien.engine.base import Engine
from mien.errors import InputError, InvalidOption
from mien.images.encode import Encoding, encode
from mien.render.boris import boris_events
from mien.render.charts import plot
from mien.render.columns import Columns, clip_columns, parquet_of
from mien.render.elan import eaf
from mien.render.tables import csv_lines
from mien.render.webvtt import webvtt
from mien.results.data_frames import to_pandas, to_polars
from mien.results.documents import Summary, TimelineFrame, Video, convert, plain
from mien.results.files import encoding_for, replacing, write
from mien.results.methods import clip_methods
from mien.results.run import ClipRun
from mien.results.timelines import timeline_of
from mien.timeline.model import Person, Timeline
from mien.usecases.annotate_video import annotate_video


@dataclass(frozen=True, slots=True)
class ClipResult:
    """One clip: who appears when, and the emotion that most raters would have named.

    ``timeline`` has one entry per analysed frame, also without faces; ``people`` one per person, numbered from 1.
    ``request_id`` is that of the service, ``None`` for a clip that was analysed here.
    """

    video: Video
    timeline: tuple[TimelineFrame, ...]
    people: tuple[Person, ...]
    summary: Summary
    models: dict[str, str]
    timing_ms: dict[str, float] = field(compare=False)
    request_id: str | None = field(default=None, compare=False)
    run: ClipRun | None = field(default=None, compare=False, repr=False)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], run: ClipRun | None = None) -> Self:
        """From the answer of ``POST /analyze-video``.

        Raises:
            InvalidRequest: it is of another shape.
        """
        return replace(convert(document, cls), run=run)

    def to_dict(self) -> dict[str, Any]:
        """The answer of ``POST /analyze-video``; without ``request_id`` if the clip was analysed here."""
        names = [member.name for member in fields(self) if member.name != "run"]
        if self.request_id is None:
            names.remove("request_id")
        return {name: plain(getattr(self, name)) for name in sorted(names, key=lambda name: name != "request_id")}

    @property
    def faces(self) -> tuple[tuple[float, Any], ...]:
        """Every face of the timeline as (time in seconds, face)."""
        return tuple((row.time, face) for row in self.timeline for face in row.faces)

    @property
    def labels(self) -> tuple[str, ...]:
        """The emotions, in the order of the tables' columns."""
        if self.run is not None:
            return LABELS[self.run.options.labels]
        return tuple(self.people[0].mean_scores) if self.people else LABELS[LabelSet.FERPLUS8]

    def columns(self) -> Columns:
        """One row per face of each frame, and one per frame without a face."""
        return clip_columns(self.to_timeline().rows, self.labels)

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame`` of ``columns()``. Raises ``ImportError`` without pandas."""
        return to_pandas(self.columns())

    def to_polars(self) -> Any:
        """A ``polars.DataFrame`` of ``columns()``. Raises ``ImportError`` without polars."""
        return to_polars(self.columns())

    def to_csv(self) -> str:
        """A CSV table of ``columns()``."""
        return "".join(csv_lines(self.to_timeline().rows, self.labels))

    def to_parquet(self) -> bytes:
        """The same as a Parquet file. Raises ``ImportError`` without pyarrow."""
        return parquet_of(self.columns())

    def to_eaf(self) -> bytes:
        """An ELAN file: one tier per person, one annotation per segment."""
        return eaf(self.to_timeline(), None if self.run is None else self.run.clip.name)

    def to_boris(self) -> str:
        """Events to paste into BORIS, one start and one stop per segment."""
        return boris_events(self.to_timeline())

    def to_webvtt(self) -> str:
        """Captions, one cue per segment."""
        return webvtt(self.to_timeline())

    def plot(self, path: str | PathLike[str], width: int | None = None) -> Path:
        """Draw every person's scores over time, into a .png or .jpg file of ``width`` pixels (by default: by length).

        Raises:
            InvalidOption: another suffix, or a width under 1,000 or over 6,000.
            StorageFull: it cannot be written.
        """
        return write(path, self._plotted(encoding_for(path), width))

    def save_annotated(self, path: str | PathLike[str]) -> Path:
        """Write the clip as MP4 with its people boxed and numbered, sound kept.

        Raises:
            InputError: the result came without its clip, ``path`` is the clip, or the clip cannot be read any more.
            InvalidOption: another suffix.
            StorageFull: it cannot be written.
        """
        if self.run is None:
            raise InputError("there is no clip to draw on: the result came from a document")
        with replacing(path, self.run.clip.path) as drawn:
            self.draw(self.run, drawn, None)
        return Path(path)

    def methods(self) -> str:
        """A paragraph for the methods section of a paper, made from this run.

        Raises:
            InvalidOption: the result came from a document, which does not tell how it was made.
        """
        if self.run is None:
            raise InvalidOption("methods", "a result made from a document does not know how it was made.")
        return clip_methods(self.run, self.video)

    def to_timeline(self) -> Timeline:
        """What charts, tables and research formats are made from."""
        return timeline_of(self.timeline, self.people, self.summary, self.labels)

    def draw(self, run: ClipRun, target: Path, hider: Engine | None) -> None:
        """Write ``target``, the annotated clip; ``hider`` makes the faces unrecognisable: see ``annotate_video``."""
        drawn = _Drawn(self.to_timeline(), self.video.duration)
        for _ in annotate_video(run.clip.path, target, drawn, run.video, hider=hider):
            pass

    def _plotted(self, encoding: Encoding, width: int | None = None) -> bytes:
        sampling = None if self.run is None else self.run.video.sampling
        begin = 0.0 if sampling is None else sampling.start
        end = self.video.duration
        if sampling is not None and sampling.end is not None:
            end = min(sampling.end, end)
        return encode(plot(self.to_timeline(), begin, end, width), encoding)

    def _repr_png_(self) -> bytes:
        """What a notebook shows: the plot."""
        return self._plotted(Encoding.PNG)


@dataclass(frozen=True, slots=True)
class _Drawn:
    timeline: Timeline
    duration: float
