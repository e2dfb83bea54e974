"""What ``mien video`` can write of an analysis, made here or on a server."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from mien.cli.files import replacing
from mien.cli.outputs import STDOUT, OutputFile, nameable, printable, write_output
from mien.cli.progress import progress
from mien.engine.base import Engine
from mien.images.encode import Encoding, encode
from mien.render.boris import boris_events
from mien.render.charts import MAX_WIDTH, MIN_WIDTH, plot
from mien.render.columns import clip_columns, parquet_of
from mien.render.elan import eaf
from mien.render.tables import csv_lines
from mien.render.webvtt import webvtt
from mien.results.run import ClipRun
from mien.timeline.model import Timeline
from mien.usecases.annotate_video import annotate_video
from mien.video.reader import ClipReader


@dataclass(frozen=True, slots=True)
class Analysed:
    """One clip's analysis: ``json`` and ``methods`` are made when they are needed. ``duration`` is in seconds,
    ``plot_width`` in pixels."""

    run: ClipRun
    timeline: Timeline
    duration: float
    warnings: tuple[str, ...]
    json: Callable[[], Iterable[str]]
    methods: Callable[[], str]
    plot_width: int | None = None

    @property
    def end(self) -> float:
        """Where the analysed part ends, in seconds."""
        end = self.run.video.sampling.end
        return self.duration if end is None else min(end, self.duration)


def _parquet(found: Analysed) -> bytes:
    return parquet_of(clip_columns(found.timeline.rows, found.timeline.labels))


def _plot(found: Analysed) -> bytes:
    return encode(plot(found.timeline, found.run.video.sampling.start, found.end, found.plot_width), Encoding.PNG)


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
    "parquet": (nameable(".parquet"), _parquet, "the same table, for data frames (needs pyarrow)"),
    "eaf": (
        nameable(".eaf"),
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
        nameable(".png"),
        _plot,
        "the scores over time, as a PNG picture",
    ),
    "methods": (printable(".txt"), lambda found: [found.methods(), "\n"], "a paragraph for the methods of a paper"),
}
"""By the option's name: its type, what it writes, and its help."""

ANNOTATED = nameable(".mp4")


def output_options(command: Callable[..., int]) -> Callable[..., int]:
    """One option per format, and the width of the plot."""
    command = click.option(
        "--width",
        type=click.IntRange(MIN_WIDTH, MAX_WIDTH),
        metavar="PIXELS",
        help="of the plot (with --plot)  [default: 1200 to 2400, by the clip's length]",
    )(command)
    for name, (kind, _, text) in reversed(list(FORMATS.items())):
        metavar = f"FILE{kind.suffix}"
        command = click.option(f"--{name}", f"to_{name}", type=kind, metavar=metavar, help=f"write {text}")(command)
    return command


def write_formats(found: Analysed, targets: Mapping[str, Path]) -> None:
    """Write the formats that have a target."""
    for name, target in targets.items():
        write_output(target, FORMATS[name][1](found))


def draw(found: Analysed, target: Path, tell: Callable[[str], None], clips: ClipReader, hider: Engine | None) -> None:
    """Write the annotated clip; see ``annotate_video``."""
    clip, video = found.run.clip, found.run.video
    with progress(f"{clip.name} (drawing)", video.sampling, found.duration) as advance:
        for position in annotate_video(clip.path, target, found, video, clips=clips, hider=hider, tell=tell):
            advance(position)


def write_clip(target: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` make ``target``, a file or standard output.

    Raises:
        StorageFull: it cannot be written.
    """
    if target == STDOUT:
        with tempfile.TemporaryDirectory(prefix="mien-") as folder:
            drawn = Path(folder) / f"drawn{ANNOTATED.suffix}"
            write(drawn)
            with drawn.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
        return
    with replacing(target) as new:
        write(new)
