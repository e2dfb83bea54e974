"""``mien predict``: faces in picture files, without a server."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from mien.cli.common import add_analysis_options, add_store, analysis_options, store_of, worker_count
from mien.cli.hints import hint_for_clip
from mien.cli.tables import table
from mien.cli.targets import drawn_files, encoding_of, picture_or_folder
from mien.domain import Face
from mien.engine.base import Engine
from mien.engine.local import EngineConfig, open_engine
from mien.errors import InputError, InvalidOption, StorageFull, UnsupportedMedia
from mien.images.decoder import PictureDecoder
from mien.images.encode import Encoding
from mien.images.limits import DecodeLimits
from mien.usecases.analyze_image import PictureInput, PictureResult, analyze_images
from mien.usecases.annotate_image import RenderOptions, annotate_image
from mien.usecases.picture_document import picture_document

_HEAD = ("picture", "face", "box (x, y, w, h)", "emotion", "score", "remarks")


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``predict`` and its options."""
    parser = commands.add_parser("predict", help="find faces in picture files", description="Find faces in pictures.")
    parser.add_argument(
        "pictures",
        nargs="+",
        type=Path,
        metavar="PICTURE",
        help="a picture file: JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object a picture")
    form.add_argument(
        "--annotate",
        type=picture_or_folder,
        metavar="OUT",
        help="draw the faces, with the numbers of the table, into the folder OUT as NAME.annotated.jpg (with --redact, "
        "NAME.redacted.jpg); pictures of the same name get NAME-2, NAME-3 and so on in the order given, and no picture "
        "given is ever written over. For one picture, OUT may be a new .jpg or .png file",
    )
    parser.add_argument("--explain", action="store_true", help="draw what the classifier looked at (with --annotate)")
    parser.add_argument("--redact", action="store_true", help="make the faces unrecognisable (with --annotate)")
    add_analysis_options(parser)
    add_store(parser)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Analyse every picture; 1 when any of them could not be read."""
    _check_drawing(chosen)
    # Before anything is read, so that the names do not depend on which pictures can be.
    targets = _targets(chosen)
    workers = worker_count()
    store = store_of(chosen)
    decoder = PictureDecoder(DecodeLimits(), concurrency=workers)
    failed = False
    rows: list[tuple[str, ...]] = []
    with closing(open_engine(EngineConfig(store.root, workers, versions=store.versions))) as engine:
        for index, (path, result) in enumerate(_results(chosen, targets, engine, decoder)):
            if result.error is not None:
                failed = True
                hint = hint_for_clip(path) if isinstance(result.error, UnsupportedMedia) else ""
                print(f"mien: {path}: {result.error}{hint}", file=sys.stderr)
                continue
            for warning in result.warnings:
                print(f"mien: {path}: {warning}", file=sys.stderr)
            if chosen.json:
                print(json.dumps({"picture": str(path), **picture_document(replace(result, index=index))}))
            else:
                rows.extend(_rows(path, result))
    if rows:
        print(table(_HEAD, rows))
    return int(failed)


def _check_drawing(chosen: argparse.Namespace) -> None:
    """Whoever asks for blurred faces must not learn afterwards that nothing was blurred."""
    if chosen.annotate is not None:
        return
    for name, does in (("redact", "hides the faces"), ("explain", "draws what the classifier looked at")):
        if getattr(chosen, name):
            raise InvalidOption(
                name, f"--{name} {does} in pictures that are written; add --annotate OUT, or leave it out."
            )


def _targets(chosen: argparse.Namespace) -> Sequence[Path | None]:
    if chosen.annotate is None:
        return [None] * len(chosen.pictures)
    return drawn_files(chosen.pictures, chosen.annotate, "redacted" if chosen.redact else "annotated")


def _results(
    chosen: argparse.Namespace, targets: Sequence[Path | None], engine: Engine, decoder: PictureDecoder
) -> Iterator[tuple[Path, PictureResult]]:
    for path, target in zip(chosen.pictures, targets, strict=True):
        try:
            picture = PictureInput(path.name, path.read_bytes())
        except OSError as error:
            yield path, PictureResult(0, path.name, error=InputError(f"cannot be read: {error.strerror}"))
            continue
        if target is None:
            analysis = analyze_images([picture], analysis_options(chosen), engine=engine, decoder=decoder)
            yield path, analysis.pictures[0]
            continue
        old = target.exists()
        result = _annotated(chosen, picture, target, engine, decoder)
        if result.error is None and target != chosen.annotate and not target.name.startswith(f"{path.stem}."):
            print(f"mien: {path}: its name was taken; wrote {target}", file=sys.stderr)
        if result.error is None and old:
            print(f"mien: {path}: replaced {target}, which was there already", file=sys.stderr)
        yield path, result


def _annotated(
    chosen: argparse.Namespace, picture: PictureInput, target: Path, engine: Engine, decoder: PictureDecoder
) -> PictureResult:
    rendering = RenderOptions(encoding_of(target) or Encoding.JPEG, redact=chosen.redact)
    options = analysis_options(chosen, explain=chosen.explain)
    try:
        drawn = annotate_image(picture, options, rendering, engine=engine, decoder=decoder)
    except InputError as error:
        return PictureResult(0, picture.name, error=error)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(drawn.content)
    except OSError as error:
        raise StorageFull(f"cannot write {target}: {error.strerror}") from error
    return drawn.picture


def _rows(path: Path, result: PictureResult) -> Iterator[tuple[str, ...]]:
    if not result.faces:
        yield path.name, "-", "-", "no face", "-", ""
    for number, face in enumerate(result.faces, start=1):
        box = ", ".join(f"{value:.0f}" for value in (face.box.x, face.box.y, face.box.width, face.box.height))
        yield path.name, str(number), box, face.emotion, f"{face.score:.2f}", _remarks(face)


def _remarks(face: Face) -> str:
    return ", ".join((*(("uncertain",) if face.uncertain else ()), *face.quality.reasons))
