"""What ``mien video`` can write of an analysis, made here or on a server."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from mien.cli.common import warn
from mien.cli.outputs import STDOUT, OutputFile, printable, write_output
from mien.cli.progress import progress
from mien.errors import StorageFull
from mien.images.encode import Encoding, encode
from mien.render.boris import boris_events
from mien.render.charts import plot
from mien.render.columns import clip_columns, parquet_of
from mien.render.elan import eaf
from mien.render.tables import csv_lines
from mien.render.webvtt import webvtt
from mien.results.run import ClipRun
from mien.timeline.model import Timeline
from mien.usecases.annotate_video import annotate_video


@dataclass(frozen=True, slots=True)
class Analysed:
    """One clip's analysis: ``json`` and ``methods`` are made when they are needed. ``duration`` is in seconds."""

    run: ClipRun
    timeline: Timeline
    duration: float
    warnings: tuple[str, ...]
    json: Callable[[], Iterable[str]]
    methods: Callable[[], str]

    @property
    def end(self) -> float:
        """Where the analysed part ends, in seconds."""
        end = self.run.video.sampling.end
        return self.duration if end is None else min(end, self.duration)


def _parquet(found: Analysed) -> bytes:
    return parquet_of(clip_columns(found.timeline.rows, found.timeline.labels))


def _json(found: Analysed) -> Iterator[str]:
    yield from found.json()
    yield "\n"


Format = Callable[[Analysed], Iterable[str] | bytes]
FORMATS: Mapping[str, tuple[OutputFile, Format, str]] = {
    "json": (printable(".json"), _json, "the whole answer, as JSON"),
    "csv": (
        printable(".csv"),
        lambda found: csv_lines(found.timeline.rows, found.timeline.labels),
        "a table with one row per face",
    ),
    "parquet": (OutputFile(".parquet"), _parquet, "the same table, for data frames (needs pyarrow)"),
    "eaf": (
        OutputFile(".eaf"),
        lambda found: eaf(found.timeline, found.run.clip.name),
        "segments, for ELAN: one tier per person",
    ),
    "boris": (
        printable(".tsv"),
        lambda found: [boris_events(found.timeline)],
        "segments, as events to paste into BORIS",
    ),
    "vtt": (printable(".vtt"), lambda found: [webvtt(found.timeline)], "segments, as WebVTT captions"),
    "plot": (
        OutputFile(".png"),
        lambda found: encode(plot(found.timeline, found.run.video.sampling.start, found.end), Encoding.PNG),
        "the scores over time, as a PNG picture",
    ),
    "methods": (printable(".txt"), lambda found: [found.methods(), "\n"], "a paragraph for the methods of a paper"),
}
"""By the option's name: its type, what it writes, and its help."""

ANNOTATED = OutputFile(".mp4")


def output_options(command: Callable[..., int]) -> Callable[..., int]:
    """One option per format."""
    for name, (kind, _, text) in reversed(list(FORMATS.items())):
        metavar = f"FILE{kind.suffix}"
        command = click.option(f"--{name}", f"to_{name}", type=kind, metavar=metavar, help=f"write {text}")(command)
    return command


def write_formats(found: Analysed, targets: Mapping[str, Path]) -> None:
    """Write the formats that have a target."""
    for name, target in targets.items():
        write_output(target, FORMATS[name][1](found))


def write_annotated(found: Analysed, target: Path) -> None:
    """Write the annotated clip.

    Raises:
        StorageFull: it cannot be written.
    """
    warnings: list[str] = []
    clip = found.run.clip.path
    try:
        with (
            tempfile.TemporaryDirectory(prefix="mien-") as folder,
            progress("drawing", found.run.video.sampling, found.duration) as advance,
        ):
            drawn = Path(folder) / "drawn.mp4" if target == STDOUT else target
            for position in annotate_video(clip, drawn, found, found.run.video, tell=warnings.append):
                advance(position)
            if target == STDOUT:
                with drawn.open("rb") as file:
                    shutil.copyfileobj(file, sys.stdout.buffer)
    except OSError as error:
        raise StorageFull(f"cannot write {target}: {error.strerror}") from error
    warn(clip, warnings)
    if target != STDOUT:
        click.echo(f"wrote {target}", err=True)
