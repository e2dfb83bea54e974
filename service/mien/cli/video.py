"""``mien video``: people and emotions in a clip, without a server."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import click

from mien.cli.common import EXISTING, analysis_options, store_option, table, warn
from mien.cli.files import OutputFile, check_readable, check_writable, clip_reader, hint_for_picture, write
from mien.domain import AnalyzeOptions
from mien.engine.base import Engine
from mien.engine.local import EngineConfig, open_engine
from mien.errors import CorruptMedia, DecoderFailed, InputError, NoVideoStream, StorageFull, TooLarge, UnsupportedMedia
from mien.images.encode import Encoding, encode
from mien.render.charts import plot
from mien.render.tables import csv_lines
from mien.settings import EngineSettings
from mien.usecases.analyze_video import Smoothing, VideoAnalysis, VideoOptions, VideoRun
from mien.usecases.annotate_video import annotate_video
from mien.usecases.video_document import analysis_chunks
from mien.video.model import Sampling
from mien.video.reader import ClipReader

_HEAD = ("person", "first seen", "last seen", "screen time", "dominant", "mean score", "segments")


def _parse_rate(_: click.Context, __: click.Parameter, value: str) -> float | None:
    if value == "native":
        return None
    try:
        return float(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither a number nor 'native'.") from None


@click.command("video")
@click.argument("clip", type=EXISTING, metavar="CLIP")
@click.option("--json", "as_json", is_flag=True, help="print the whole answer as JSON")
@click.option("--csv", "as_csv", is_flag=True, help="print a table with one row per face")
@click.option(
    "--plot", "chart", type=OutputFile(".png"), metavar="OUT.png", help="draw the scores over time, as a PNG picture"
)
@click.option(
    "--annotate",
    "annotated",
    type=OutputFile(".mp4"),
    metavar="OUT.mp4",
    help="write the clip, as MP4, with its people boxed and numbered",
)
@click.option("--fps", default="5", callback=_parse_rate, metavar="N", help="frames per second to analyse, or native")
@click.option("--start", default=0.0, metavar="S", help="seconds into the clip at which to begin")
@click.option("--end", type=float, metavar="S", help="seconds into the clip at which to stop  [default: its end]")
@click.option(
    "--smoothing",
    type=click.Choice([kind.value for kind in Smoothing]),
    default=Smoothing.EMA.value,
    help="average each person's scores over time, or not",
)
@analysis_options
@store_option
def command(
    *,
    clip: Path,
    as_json: bool,
    as_csv: bool,
    chart: Path | None,
    annotated: Path | None,
    fps: float | None,
    start: float,
    end: float | None,
    smoothing: str,
    options: AnalyzeOptions,
    store: Path | None,
) -> int:
    """Follow every person through CLIP (MP4, MOV, MKV, WebM, AVI, GIF, TS or FLV), and print who shows which emotions
    and when."""
    if sum(map(bool, (as_json, as_csv, chart, annotated))) > 1:
        raise click.UsageError("--json, --csv, --plot and --annotate exclude each other; give only one.")
    check_readable(clip)
    target = chart or annotated
    if target is not None:
        check_writable(target)
        if target.exists() and target.samefile(clip):
            raise InputError(f"{target} is the clip itself; name another file to write")
    video = VideoOptions(Sampling(fps, start, end), Smoothing(smoothing))
    settings = EngineSettings.load({"store": store})
    config = EngineConfig(settings.store, settings.workers)
    with clip_reader() as clips:
        with closing(open_engine(config)) as engine:
            analysis = _analyze(clip, options, video, engine, clips)
        warn(clip, analysis.warnings)
        if annotated is not None:
            _annotate(clip, annotated, video, analysis, clips)
    if as_json:
        sys.stdout.writelines(analysis_chunks(analysis, {"clip": clip.name}, {}))
        click.echo()
    elif as_csv:
        sys.stdout.writelines(csv_lines(analysis.timeline.rows, analysis.timeline.labels))
    elif chart is not None:
        last = _end(video.sampling, analysis.duration) or analysis.duration
        write(chart, encode(plot(analysis.timeline, start, last), Encoding.PNG))
    elif annotated is None:
        click.echo(table(_HEAD, _rows(analysis)))
    if target is not None:
        click.echo(f"wrote {target}", err=True)
    return 0


def _analyze(
    clip: Path, options: AnalyzeOptions, video: VideoOptions, engine: Engine, clips: ClipReader
) -> VideoAnalysis:
    try:
        with VideoRun(clip, options, video, engine=engine, clips=clips) as work:
            with _progress("analysing", video.sampling, work.info.duration) as advance:
                for row in work.rows():
                    advance(row.time)
            return work.result()
    except (UnsupportedMedia, CorruptMedia, DecoderFailed, NoVideoStream, TooLarge) as error:
        hint = "" if isinstance(error, TooLarge) else hint_for_picture(clip)
        raise InputError(f"{clip}: {error}{hint}") from error


def _annotate(clip: Path, target: Path, video: VideoOptions, analysis: VideoAnalysis, clips: ClipReader) -> None:
    warnings: list[str] = []
    try:
        with _progress("drawing", video.sampling, analysis.duration) as advance:
            for position in annotate_video(clip, target, analysis, video, clips=clips, tell=warnings.append):
                advance(position)
    except OSError as error:
        raise StorageFull(f"cannot write {target}: {error.strerror}") from error
    warn(clip, warnings)


@contextmanager
def _progress(label: str, sampling: Sampling, duration: float | None) -> Iterator[Callable[[float], None]]:
    """A progress bar in milliseconds of the clip, on a terminal only. The function takes the time of each frame."""
    end = _end(sampling, duration)
    began = time.monotonic()

    def speed(position: float | None) -> str | None:
        if position is None:
            return None
        return f"{(position - sampling.start) / max(time.monotonic() - began, 1e-6):.1f}x real time"

    with click.progressbar(
        count(0.0),  # never drawn from: click wants it where the length is unknown
        length=None if end is None else max(1, round(1000 * (end - sampling.start))),
        label=label,
        item_show_func=speed,
        hidden=not sys.stderr.isatty(),
        file=sys.stderr,
    ) as bar:
        yield lambda position: bar.update(round(1000 * (position - sampling.start)) - bar.pos, position)


def _end(sampling: Sampling, duration: float | None) -> float | None:
    ends = [end for end in (sampling.end, duration) if end is not None]
    return min(ends, default=None)


def _rows(analysis: VideoAnalysis) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for person in analysis.timeline.people:
        score = person.mean_scores[person.dominant]
        times = (f"{person.first_seen:.2f} s", f"{person.last_seen:.2f} s", f"{person.screen_time:.2f} s")
        rows.append((str(person.person), *times, person.dominant, f"{score:.2f}", str(len(person.segments))))
    return rows or [("-", "-", "-", "-", "no person", "-", "-")]
