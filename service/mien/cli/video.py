"""``mien video``: people and emotions in clips, here or on a server."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from mien.cli.clip_outputs import ANNOTATED, FORMATS, Analysed, output_options, write_clip, write_formats
from mien.cli.clip_targets import ClipTargets, plan
from mien.cli.clip_work import ClipWork, LocalClips, RemoteClips
from mien.cli.common import EXISTING, analysis_options, store_option, table, warn
from mien.cli.files import check_readable, clip_reader
from mien.cli.inputs import CLIPS, STDIN, expand
from mien.cli.outputs import STDOUT, OutputCommand, check_parquet
from mien.cli.sampling import sampling_options
from mien.cli.server import open_client, server_options
from mien.domain import AnalyzeOptions
from mien.engine.local import EngineConfig, open_engine
from mien.errors import InputError, InvalidOption
from mien.results.run import ClipFile, clip_file
from mien.settings import EngineSettings
from mien.timeline.model import Person
from mien.usecases.analyze_video import VideoOptions

_HEAD = ("person", "first seen", "last seen", "screen time", "dominant", "mean score", "segments")


@click.command("video", cls=OutputCommand)
@click.argument("clips", nargs=-1, required=True, type=EXISTING, metavar="CLIP...")
@output_options
@click.option(
    "--annotate",
    "annotated",
    type=ANNOTATED,
    metavar="FILE.mp4",
    help="write the clip with its people boxed and numbered",
)
@click.option(
    "--redact", is_flag=True, help="make the faces unrecognisable, in every frame (with --annotate; takes longer)"
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="write the outputs, which are then given without names, into FOLDER as NAME.csv and so on; for any number "
    "of clips",
)
@click.option("--resume", is_flag=True, help="leave out clips whose outputs are all there (with --into)")
@sampling_options
@analysis_options
@store_option
@server_options
def command(
    *,
    clips: Sequence[Path],
    annotated: Path | None,
    width: int | None,
    redact: bool,
    into: Path | None,
    resume: bool,
    video: VideoOptions,
    options: AnalyzeOptions,
    store: Path | None,
    url: str | None,
    key: str | None,
    **to_files: Path | None,
) -> int:
    """Follow every person through each CLIP (MP4, MOV, MKV, WebM, AVI, GIF, TS or FLV), and print who shows which
    emotions and when.

    A CLIP may be a folder, for the clips in it and in folders below it; a pattern; or - for standard input. Outputs can
    be combined; each takes the name of a file or - for standard output, and those of text print if no name follows. Of
    several clips, the table and --json print; other outputs go --into a folder.
    """
    inputs = expand(clips, CLIPS)
    files = {name: target for name in FORMATS if (target := to_files[f"to_{name}"]) is not None}
    check_parquet(files.get("parquet"))
    if redact and annotated is None:
        # Refused, not ignored: that no face was hidden would be noticed too late.
        raise InvalidOption("redact", "--redact hides the faces in the clips written; add --annotate, or leave it out.")
    if width is not None and "plot" not in files:
        raise InvalidOption("width", "--width is that of the plot; add --plot, or leave it out.")
    if resume and into is None:
        raise InvalidOption("resume", "--resume goes on with the files in a folder; add --into FOLDER.")
    todo = plan(inputs, files, annotated, into, redact)
    if len(todo) == 1 and todo[0].input.path != STDIN:
        check_readable(todo[0].input.path)
    if resume:
        todo = [targets for targets in todo if not targets.exist]
        if len(todo) < len(inputs):
            click.echo(f"{len(inputs) - len(todo)} of {len(inputs)} clips are done already", err=True)
    if not todo:
        return 0
    with ExitStack() as stack:
        work: ClipWork
        reader = stack.enter_context(clip_reader())
        if url is None:
            settings = EngineSettings.load({"store": store})
            engine = stack.enter_context(
                closing(open_engine(EngineConfig(settings.store, settings.workers, settings.provider)))
            )
            work = LocalClips(engine, reader, options, video, redact)
        else:
            work = RemoteClips(stack.enter_context(open_client(url, key)), reader, options, video, redact)
        return _run(work, todo, prints=not files and annotated is None, alone=len(inputs) == 1, width=width)


def _run(work: ClipWork, todo: Sequence[ClipTargets], *, prints: bool, alone: bool, width: int | None) -> int:
    """The exit code. One of several clips that cannot be read does not end the run."""
    rows: list[tuple[str, ...]] = []
    failed = 0
    for targets in todo:
        path = targets.input.path
        try:
            found = _analyze(work, targets, width)
        except InvalidOption:
            raise  # of every clip
        except InputError as error:
            warn(path, [str(error)])
            failed += 1
            continue
        if prints:
            name = () if alone else (str(targets.input.below / path.name),)
            rows += ((*name, *row) for row in _rows(found.timeline.people))
    if rows:
        click.echo(table(_HEAD if alone else ("clip", *_HEAD), rows))
    return int(failed > 0)


def _analyze(work: ClipWork, targets: ClipTargets, width: int | None) -> Analysed:
    path = targets.input.path
    if path == STDIN:
        file = replace(clip_file(sys.stdin.buffer), name=path.name)
    else:
        check_readable(path)
        file = ClipFile(path, path.name)
    found = replace(work.analyze(file), plot_width=width)
    warn(path, found.warnings)
    write_formats(found, targets.files)
    if targets.annotated is not None:
        remarks: list[str] = []
        write_clip(targets.annotated, partial(work.annotate, found, tell=remarks.append))
        warn(path, remarks)
        if targets.annotated != STDOUT:
            click.echo(f"wrote {targets.annotated}", err=True)
    return found


def _rows(people: Sequence[Person]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for person in people:
        score = person.mean_scores[person.dominant]
        times = (f"{person.first_seen:.2f} s", f"{person.last_seen:.2f} s", f"{person.screen_time:.2f} s")
        rows.append((str(person.person), *times, person.dominant, f"{score:.2f}", str(len(person.segments))))
    return rows or [("-", "-", "-", "-", "no person", "-", "-")]
