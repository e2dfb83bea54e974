"""``mien predict``: faces in picture files, without a server."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import click

from mien.cli.common import EXISTING, analysis_options, store_option, table, warn
from mien.cli.files import PictureOrFolder, encoding_of, hint_for_clip, output_files, write
from mien.domain import AnalyzeOptions
from mien.engine.base import Engine
from mien.engine.local import EngineConfig, open_engine
from mien.errors import InputError, InvalidOption, UnsupportedMedia
from mien.images.decoder import PictureDecoder
from mien.images.encode import Encoding
from mien.images.limits import DecodeLimits
from mien.settings import EngineSettings
from mien.usecases.analyze_image import PictureInput, PictureResult, analyze_images
from mien.usecases.annotate_image import RenderOptions, annotate_image
from mien.usecases.decoders import open_decoders
from mien.usecases.picture_document import picture_document

_HEAD = ("picture", "face", "box (x, y, w, h)", "emotion", "score", "remarks")


@click.command("predict")
@click.argument("pictures", nargs=-1, required=True, type=EXISTING, metavar="PICTURE...")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object per picture")
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
def command(
    *,
    pictures: Sequence[Path],
    as_json: bool,
    output: Path | None,
    explain: bool,
    redact: bool,
    options: AnalyzeOptions,
    store: Path | None,
) -> int:
    """Find faces in PICTURE files: JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC."""
    if output is not None and as_json:
        raise click.UsageError("--json and --annotate exclude each other; give only one.")
    if output is None and (redact or explain):
        # Refused, not ignored: that no face was blurred would be noticed too late.
        name, does = ("redact", "hides the faces") if redact else ("explain", "draws what the classifier looked at")
        raise InvalidOption(name, f"--{name} {does} in the pictures written; add --annotate OUT, or leave it out.")
    # Before anything is read, so that the names do not depend on which pictures can be.
    kind = "redacted" if redact else "annotated"
    files = [None] * len(pictures) if output is None else output_files(pictures, output, kind)
    settings = EngineSettings.load({"store": store})
    decoders = open_decoders(settings.workers)
    work = _Work(
        open_engine(EngineConfig(settings.store, settings.workers)),
        PictureDecoder(DecodeLimits(), concurrency=settings.workers, sandbox=decoders),
        replace(options, explain=explain),
        redact,
    )
    failed = False
    rows: list[tuple[str, ...]] = []
    with ExitStack() as stack:
        stack.enter_context(closing(work.engine))
        if decoders is not None:
            stack.callback(decoders.close)
        for index, (path, file) in enumerate(zip(pictures, files, strict=True)):
            replaces = file is not None and file.exists()
            try:
                result = work.analyze(path) if file is None else work.annotate(path, file)
            except InputError as error:
                failed = True
                hint = hint_for_clip(path) if isinstance(error, UnsupportedMedia) else ""
                warn(path, [f"{error}{hint}"])
                continue
            notes = []
            if file is not None and file != output and not file.name.startswith(f"{path.stem}."):
                notes.append(f"its name was taken; wrote {file}")
            if replaces:
                notes.append(f"replaced {file}, which existed already")
            warn(path, (*notes, *result.warnings))
            if as_json:
                click.echo(json.dumps({"picture": str(path), **picture_document(replace(result, index=index))}))
            else:
                rows.extend(_rows(path, result))
    if rows:
        click.echo(table(_HEAD, rows))
    return int(failed)


@dataclass(frozen=True, slots=True)
class _Work:
    """What is the same for every picture."""

    engine: Engine
    decoder: PictureDecoder
    options: AnalyzeOptions
    redact: bool

    def analyze(self, path: Path) -> PictureResult:
        """Raises ``InputError`` for a picture that cannot be read."""
        analysis = analyze_images([_read(path)], self.options, engine=self.engine, decoder=self.decoder)
        if (error := analysis.pictures[0].error) is not None:
            raise error
        return analysis.pictures[0]

    def annotate(self, path: Path, file: Path) -> PictureResult:
        """As ``analyze``; writes the annotated picture too."""
        rendering = RenderOptions(encoding_of(file) or Encoding.JPEG, redact=self.redact)
        annotated = annotate_image(_read(path), self.options, rendering, engine=self.engine, decoder=self.decoder)
        write(file, annotated.content)
        return annotated.picture


def _read(path: Path) -> PictureInput:
    try:
        return PictureInput(path.name, path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}") from error


def _rows(path: Path, result: PictureResult) -> Iterator[tuple[str, ...]]:
    if not result.faces:
        yield path.name, "-", "-", "no face", "-", ""
    for number, face in enumerate(result.faces, start=1):
        box = ", ".join(f"{value:.0f}" for value in (face.box.x, face.box.y, face.box.width, face.box.height))
        remarks = ", ".join((*(("uncertain",) if face.uncertain else ()), *face.quality.reasons))
        yield path.name, str(number), box, face.emotion, f"{face.score:.2f}", remarks
