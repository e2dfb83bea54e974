"""``mien video``: people and emotions in a clip, here or on a server."""

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click

from mien.cli.clip_outputs import ANNOTATED, FORMATS, Analysed, output_options, write_annotated, write_formats
from mien.cli.common import EXISTING, analysis_options, store_option, table, warn
from mien.cli.files import check_readable, hint_for_picture
from mien.cli.inputs import STDIN
from mien.cli.outputs import OutputCommand, check_outputs
from mien.cli.progress import progress
from mien.cli.server import open_client, server_options
from mien.domain import AnalyzeOptions
from mien.engine.base import Engine
from mien.engine.local import EngineConfig, open_engine
from mien.errors import CorruptMedia, InputError, NoVideoStream, TooLarge, UnsupportedMedia
from mien.results.clip import ClipResult
from mien.results.documents import Video, convert
from mien.results.methods import clip_methods
from mien.results.options import clip_keywords
from mien.results.run import ClipFile, ClipRun, Service, cards_of, clip_file
from mien.settings import EngineSettings
from mien.timeline.model import Person
from mien.usecases.analyze_video import Smoothing, VideoOptions, VideoRun
from mien.usecases.picture_document import to_json
from mien.usecases.video_document import analysis_chunks, video_document
from mien.version import VERSION
from mien.video.model import Sampling

_HEAD = ("person", "first seen", "last seen", "screen time", "dominant", "mean score", "segments")
_MEMBERS = ("video", "timeline", "people", "summary")


def _parse_rate(_: click.Context, __: click.Parameter, value: str) -> float | None:
    if value == "native":
        return None
    try:
        return float(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither a number nor 'native'.") from None


@click.command("video", cls=OutputCommand)
@click.argument("clip", type=EXISTING, metavar="CLIP")
@output_options
@click.option(
    "--annotate",
    "annotated",
    type=ANNOTATED,
    metavar="FILE.mp4",
    help="write the clip with its people boxed and numbered",
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
@server_options
def command(
    *,
    clip: Path,
    annotated: Path | None,
    fps: float | None,
    start: float,
    end: float | None,
    smoothing: str,
    options: AnalyzeOptions,
    store: Path | None,
    url: str | None,
    key: str | None,
    **to_files: Path | None,
) -> int:
    """Follow every person through CLIP (MP4, MOV, MKV, WebM, AVI, GIF, TS or FLV), and print who shows which emotions
    and when.

    CLIP may be - for standard input. Outputs can be combined; each takes the name of a file or - for standard output,
    and those of text print if no name follows.
    """
    targets = {name: target for name in FORMATS if (target := to_files[f"to_{name}"]) is not None}
    check_outputs([*targets.values(), annotated], [clip])
    if clip != STDIN:
        check_readable(clip)
    video = VideoOptions(Sampling(fps, start, end), Smoothing(smoothing))
    file = ClipFile(clip, clip.name)
    if clip == STDIN:
        file = replace(clip_file(sys.stdin.buffer), name=clip.name)
    if url is None:
        settings = EngineSettings.load({"store": store})
        config = EngineConfig(settings.store, settings.workers)
        with closing(open_engine(config)) as engine:
            found = _analyze(file, options, video, engine)
    else:
        with open_client(url, key) as client:
            found = _of_server(client.analyze_video(file.path, **clip_keywords(options, video)), file)
    warn(clip, found.warnings)
    write_formats(found, targets)
    if annotated is not None:
        write_annotated(found, annotated)
    if not targets and annotated is None:
        click.echo(table(_HEAD, _rows(found.timeline.people)))
    return 0


def _analyze(file: ClipFile, options: AnalyzeOptions, video: VideoOptions, engine: Engine) -> Analysed:
    run = ClipRun(file, options, video, Service(lambda: VERSION, lambda: cards_of(engine.models())))
    try:
        with VideoRun(file.path, options, video, engine=engine) as work:
            with progress("analysing", video.sampling, work.info.duration) as advance:
                for row in work.rows():
                    advance(row.time)
            analysis = work.result()
    except (UnsupportedMedia, CorruptMedia, NoVideoStream, TooLarge) as error:
        hint = "" if isinstance(error, TooLarge) else hint_for_picture(file.path)
        raise InputError(f"{file.name if file.keep else file.path}: {error}{hint}") from error
    return Analysed(
        run,
        analysis.timeline,
        analysis.duration,
        analysis.warnings,
        json=lambda: analysis_chunks(analysis, {"clip": file.name}, {}),
        methods=lambda: clip_methods(run, convert(video_document(analysis), Video)),
    )


def _of_server(result: ClipResult, file: ClipFile) -> Analysed:
    assert result.run is not None  # noqa: S101  a client's results have one
    run = replace(result.run, clip=file)
    document = result.to_dict()
    return Analysed(
        run,
        result.to_timeline(),
        result.video.duration,
        result.video.warnings,
        json=lambda: [to_json({"clip": file.name, **{name: document[name] for name in _MEMBERS}})],
        methods=lambda: clip_methods(run, result.video),
    )


def _rows(people: Sequence[Person]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for person in people:
        score = person.mean_scores[person.dominant]
        times = (f"{person.first_seen:.2f} s", f"{person.last_seen:.2f} s", f"{person.screen_time:.2f} s")
        rows.append((str(person.person), *times, person.dominant, f"{score:.2f}", str(len(person.segments))))
    return rows or [("-", "-", "-", "-", "no person", "-", "-")]
