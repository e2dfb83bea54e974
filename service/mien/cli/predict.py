"""``mien predict``: faces in picture files, here or on a server."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import click

from mien.cli.common import EXISTING, analysis_options, store_option, table, warn
from mien.cli.files import PictureOrFolder, hint_for_clip, output_files
from mien.cli.outputs import STDIN, OutputCommand, OutputFile, check_outputs, printable, write_output
from mien.cli.picture_work import LocalWork, PictureWork, read
from mien.cli.server import open_client, server_options
from mien.domain import LABELS, AnalyzeOptions
from mien.engine.local import EngineConfig, open_engine
from mien.errors import InputError, InvalidOption
from mien.images.decoder import PictureDecoder
from mien.images.limits import DecodeLimits
from mien.render.columns import csv_of, parquet_of, picture_columns
from mien.results.picture import PictureResult
from mien.settings import EngineSettings

_HEAD = ("picture", "face", "box (x, y, w, h)", "emotion", "score", "remarks")


@click.command("predict", cls=OutputCommand)
@click.argument("pictures", nargs=-1, required=True, type=EXISTING, metavar="PICTURE...")
@click.option(
    "--json", "to_json", type=printable(".json"), metavar="FILE.json", help="write one JSON object per picture"
)
@click.option("--csv", "to_csv", type=printable(".csv"), metavar="FILE.csv", help="write a table with one row per face")
@click.option(
    "--parquet",
    "to_parquet",
    type=OutputFile(".parquet"),
    metavar="FILE.parquet",
    help="write the same table, for data frames (needs pyarrow)",
)
@click.option(
    "--methods",
    "to_methods",
    type=printable(".txt"),
    metavar="FILE.txt",
    help="write a paragraph for the methods of a paper",
)
@click.option(
    "--annotate",
    "output",
    type=PictureOrFolder(),
    metavar="OUT",
    help="draw the faces, with the numbers of the table, into the folder OUT as NAME.annotated.jpg (with --redact, "
    "NAME.redacted.jpg); pictures of the same name get NAME-2, NAME-3 and so on in the order given, and an input "
    "picture is never overwritten. For one picture, OUT may be a new .jpg or .png file",
)
@click.option("--explain", is_flag=True, help="draw what the classifier looked at (with --annotate)")
@click.option("--redact", is_flag=True, help="make the faces unrecognisable (with --annotate)")
@analysis_options
@store_option
@server_options
def command(
    *,
    pictures: Sequence[Path],
    to_json: Path | None,
    to_csv: Path | None,
    to_parquet: Path | None,
    to_methods: Path | None,
    output: Path | None,
    explain: bool,
    redact: bool,
    options: AnalyzeOptions,
    store: Path | None,
    url: str | None,
    key: str | None,
) -> int:
    """Find faces in PICTURE files: JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC.

    A PICTURE may be - for standard input. Outputs can be combined; --json, --csv and --methods print if no file of
    their kind follows.
    """
    targets = (to_json, to_csv, to_parquet, to_methods)
    check_outputs(targets, pictures)
    if output is None and (redact or explain):
        # Refused, not ignored: that no face was blurred would be noticed too late.
        name, does = ("redact", "hides the faces") if redact else ("explain", "draws what the classifier looked at")
        raise InvalidOption(name, f"--{name} {does} in the pictures written; add --annotate OUT, or leave it out.")
    # Before anything is read, so that the names do not depend on which pictures can be.
    kind = "redacted" if redact else "annotated"
    named = [Path("stdin") if path == STDIN else path for path in pictures]
    files = [None] * len(pictures) if output is None else output_files(named, output, kind)
    with ExitStack() as stack:
        work: PictureWork
        if url is None:
            settings = EngineSettings.load({"store": store})
            engine = open_engine(EngineConfig(settings.store, settings.workers))
            stack.enter_context(closing(engine))
            decoder = PictureDecoder(DecodeLimits(), concurrency=settings.workers)
            work = LocalWork(engine, decoder, replace(options, explain=explain), redact)
        else:
            from mien.cli.remote_work import RemoteWork  # noqa: PLC0415  see there

            work = RemoteWork(stack.enter_context(open_client(url, key)), replace(options, explain=explain), redact)
        found = list(_results(work, pictures, files, output))
        if to_methods is not None:
            write_output(to_methods, [work.methods(), "\n"])
    results = [(path, result) for path, result in found if result is not None]
    _write(results, to_json, to_csv, to_parquet, LABELS[options.labels])
    if not any(targets) and results:
        click.echo(table(_HEAD, [row for path, result in results for row in _rows(path, result)]))
    return int(len(results) < len(found))


def _results(
    work: PictureWork, pictures: Sequence[Path], files: Sequence[Path | None], output: Path | None
) -> Iterator[tuple[Path, PictureResult | None]]:
    """The result of each picture, or ``None`` with a line on the terminal for one that cannot be read."""
    for index, (path, file) in enumerate(zip(pictures, files, strict=True)):
        replaces = file is not None and file.exists()
        try:
            picture = read(path)
            result = work.analyze(picture) if file is None else work.annotate(picture, file)
        except InputError as error:
            hint = hint_for_clip(path) if error.code == "unsupported_media" else ""
            warn(path, [f"{error}{hint}"])
            yield path, None
            continue
        notes = []
        if file is not None and file != output and not file.name.startswith(f"{path.stem}.") and path != STDIN:
            notes.append(f"its name was taken; wrote {file}")
        if replaces:
            notes.append(f"replaced {file}, which existed already")
        warn(path, (*notes, *result.warnings))
        yield path, replace(result, index=index)


def _write(
    results: Sequence[tuple[Path, PictureResult]],
    to_json: Path | None,
    to_csv: Path | None,
    to_parquet: Path | None,
    labels: tuple[str, ...],
) -> None:
    documents = [{"picture": str(path), **result.to_dict()} for path, result in results]
    if to_json is not None:
        write_output(to_json, (f"{json.dumps(document)}\n" for document in documents))
    if to_csv is None and to_parquet is None:
        return
    columns = picture_columns([{**document, "name": document["picture"]} for document in documents], labels)
    if to_csv is not None:
        write_output(to_csv, [csv_of(columns)])
    if to_parquet is not None:
        try:
            write_output(to_parquet, parquet_of(columns))
        except ImportError as error:
            raise InvalidOption("parquet", str(error)) from error


def _rows(path: Path, result: PictureResult) -> Iterator[tuple[str, ...]]:
    if not result.faces:
        yield path.name, "-", "-", "no face", "-", ""
    for number, face in enumerate(result.faces, start=1):
        box = ", ".join(f"{value:.0f}" for value in (face.box.x, face.box.y, face.box.width, face.box.height))
        remarks = ", ".join((*(("uncertain",) if face.uncertain else ()), *face.quality.reasons))
        yield path.name, str(number), box, face.emotion, f"{face.score:.2f}", remarks
