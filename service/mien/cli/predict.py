"""``mien predict``: faces in picture files, here or on a server."""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import click

from mien.cli.common import EXISTING, analysis_options, store_option, warn
from mien.cli.files import PictureOrFolder, hint_for_clip, output_files
from mien.cli.inputs import PICTURES, Input, expand
from mien.cli.outputs import STDOUT, OutputCommand, OutputFile, check_outputs, check_parquet, printable, write_output
from mien.cli.parallel import in_order
from mien.cli.picture_outputs import PictureOutputs, recorded
from mien.cli.picture_work import LocalWork, PictureWork, read
from mien.cli.progress import tracked
from mien.cli.server import open_client, server_options
from mien.domain import LABELS, AnalyzeOptions
from mien.engine.local import EngineConfig, open_engine
from mien.errors import InputError, InvalidOption
from mien.images.decoder import PictureDecoder
from mien.images.limits import DecodeLimits
from mien.results.picture import PictureResult
from mien.settings import EngineSettings
from mien.usecases.decoders import open_decoders


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
@click.option(
    "--resume",
    is_flag=True,
    help="go on where a run with the same options was stopped: pictures in the file of --json are not analysed again",
)
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
    resume: bool,
    options: AnalyzeOptions,
    store: Path | None,
    url: str | None,
    key: str | None,
) -> int:
    """Find faces in PICTURE files: JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC.

    A PICTURE may be a folder, for the pictures in it and in folders below it; a pattern such as 'photos/**/*.jpg'; or
    - for standard input. Outputs can be combined; --json, --csv and --methods print if no file of their kind follows.
    """
    targets = (to_json, to_csv, to_parquet, to_methods)
    labels = LABELS[options.labels]
    inputs = expand(pictures, PICTURES)
    check_parquet(to_parquet)
    check_outputs(targets, [given.path for given in inputs])
    if output is None and (redact or explain):
        # Refused, not ignored: that no face was blurred would be noticed too late.
        name, does = ("redact", "hides the faces") if redact else ("explain", "draws what the classifier looked at")
        raise InvalidOption(name, f"--{name} {does} in the pictures written; add --annotate OUT, or leave it out.")
    if resume and to_json in (None, STDOUT):
        raise InvalidOption("resume", "--resume goes on with the file of --json FILE.json; name it.")
    known = recorded(to_json, labels) if resume and to_json is not None else {}
    # Before anything is read, so that the names do not depend on which pictures can be.
    kind = "redacted" if redact else "annotated"
    files = [None] * len(inputs) if output is None else output_files(inputs, output, kind)
    items = [_Item(*item) for item in zip(range(len(inputs)), inputs, files, strict=True)]
    failed = 0
    with ExitStack() as stack:
        work: PictureWork
        if url is None:
            settings = EngineSettings.load({"store": store})
            engine = stack.enter_context(
                closing(open_engine(EngineConfig(settings.store, settings.workers, settings.provider)))
            )
            decoders = open_decoders(settings.workers)
            if decoders is not None:
                stack.callback(decoders.close)
            decoder = PictureDecoder(DecodeLimits(), concurrency=settings.workers, sandbox=decoders)
            work = LocalWork(engine, decoder, replace(options, explain=explain), redact, settings.workers + 1)
        else:
            from mien.cli.remote_work import RemoteWork  # noqa: PLC0415  see there

            work = RemoteWork(stack.enter_context(open_client(url, key)), replace(options, explain=explain), redact)
        prints = not any(targets)
        outputs = stack.enter_context(PictureOutputs(labels, to_json, to_csv, to_parquet, prints, resume))
        todo = [item for item in items if str(item.input.path) not in known]
        outcomes = in_order(partial(_analyze, work, output), todo, work.threads)
        done = stack.enter_context(closing(tracked(outcomes, len(todo), "analysing")))
        for item in items:
            line = known.get(str(item.input.path))
            if line is not None:
                outputs.add_known(line)
                continue
            outcome = next(done)
            warn(item.input.path, outcome.remarks)
            if outcome.result is None:
                failed += 1
            else:
                outputs.add(item.input, outcome.result)
        if to_methods is not None:
            write_output(to_methods, [work.methods(), "\n"])
    return int(failed > 0)


@dataclass(frozen=True, slots=True)
class _Item:
    """A picture, the place of its result, and the file to draw it into."""

    index: int
    input: Input
    file: Path | None


@dataclass(frozen=True, slots=True)
class _Outcome:
    """``result`` is ``None`` for a picture that cannot be read; ``remarks`` are for the terminal."""

    result: PictureResult | None
    remarks: Sequence[str]


def _analyze(work: PictureWork, output: Path | None, item: _Item) -> _Outcome:
    path, file = item.input.path, item.file
    replaces = file is not None and file.exists()
    try:
        picture = read(path)
        result = work.analyze(picture) if file is None else work.annotate(picture, file)
    except InputError as error:
        hint = hint_for_clip(path) if error.code == "unsupported_media" else ""
        return _Outcome(None, [f"{error}{hint}"])
    remarks = []
    if file is not None and file != output and not file.name.startswith(f"{item.input.stem}."):
        remarks.append(f"its name was taken; wrote {file}")
    if replaces:
        remarks.append(f"replaced {file}, which existed already")
    return _Outcome(replace(result, index=item.index), (*remarks, *result.warnings))
