"""Options that name a file to write, or standard output."""

import sys
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import click

from mien.cli.files import check_writable, replacing, write
from mien.errors import InputError, InvalidOption
from mien.render.columns import PARQUET_NEEDS, has_parquet

STDOUT = Path("-")
ALONE = Path()
"""The value of an option of an ``OutputCommand`` that stands alone and prints nothing."""


class OutputFile(click.Path):
    """A file to write in the one format that ends in ``suffix``, or ``-`` for standard output, if ``stdout`` is true.

    Any other name is refused: it is most likely the input, given in place of the output.
    """

    def __init__(self, suffix: str, *, stdout: bool = True) -> None:
        super().__init__(path_type=Path, readable=False)
        self.suffix = suffix
        self._stdout = stdout

    @property
    def alone(self) -> str | None:
        """What it means without a value, if it may be given so."""
        return None

    def accepts(self, value: str) -> bool:
        """Whether ``value`` names such a file."""
        return (self._stdout and value == str(STDOUT)) or Path(value).suffix.lower() == self.suffix

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "" and self.alone == "":
            return ALONE
        if not self.accepts(str(value)):
            self.fail(
                f"{str(value)!r} does not end in {self.suffix}; name the file to write, and the input separately."
            )
        return super().convert(value, param, ctx)


class OutputCommand(click.Command):
    """A command some of whose options may stand alone, such as ``--json``, which then means standard output.

    What follows such an option is its value only if it names a file of its format: ``--json photo.jpg`` prints. With
    ``--into``, which names the files, every one may stand alone.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        types = {
            name: option.type
            for option in self.params
            if isinstance(option, click.Option) and isinstance(option.type, OutputFile)
            for name in option.opts
        }
        named = any(word.partition("=")[0] == "--into" for word in args)
        words: list[str] = []
        for word, following in zip_longest(args, args[1:]):
            form = types.get(word)
            alone = None if form is None or (following is not None and form.accepts(following)) else form.alone
            words.append(word if alone is None or not (alone or named) else f"{word}={alone}")
        return super().parse_args(ctx, words)


class _Printable(OutputFile):
    """Text: printed if no file is named."""

    @property
    def alone(self) -> str:
        return str(STDOUT)


class _Nameable(OutputFile):
    """No text: the command finds a name, or refuses."""

    @property
    def alone(self) -> str:
        return ""


def printable(suffix: str) -> OutputFile:
    """The type of an option of an ``OutputCommand`` that may stand alone."""
    return _Printable(suffix)


def nameable(suffix: str) -> OutputFile:
    """The type of an option of an ``OutputCommand`` that is ``ALONE`` without a value."""
    return _Nameable(suffix)


def check_outputs(targets: Iterable[Path | None], inputs: Sequence[Path] = ()) -> None:
    """A check before work that takes minutes.

    Raises:
        click.UsageError: two outputs in one place.
        InputError: one cannot be written, or is one of the ``inputs``.
    """
    given = [target for target in targets if target is not None]
    for target in given:
        if given.count(target) > 1:
            place = "standard output" if target == STDOUT else str(target)
            raise click.UsageError(f"Two outputs go to {place}; name a file for each but one.")
        if target == STDOUT:
            continue
        check_writable(target)
        if target.exists() and any(path.exists() and target.samefile(path) for path in inputs):
            raise InputError(f"{target} is an input itself; name another file to write")


def check_parquet(target: Path | None) -> None:
    """Raises ``InvalidOption`` if ``target`` is to be written and pyarrow is not installed."""
    if target is not None and not has_parquet():
        raise InvalidOption("parquet", PARQUET_NEEDS)


def write_output(target: Path, pieces: Iterable[str] | bytes) -> None:
    """Write a text in pieces, or bytes, to a file or to standard output.

    Raises:
        StorageFull: it cannot be written.
    """
    if target != STDOUT:
        if isinstance(pieces, bytes):
            write(target, pieces)
        else:
            _write_text(target, pieces)
        click.echo(f"wrote {target}", err=True)
    elif isinstance(pieces, bytes):
        sys.stdout.buffer.write(pieces)
    else:
        sys.stdout.writelines(pieces)


def _write_text(target: Path, pieces: Iterable[str]) -> None:
    with replacing(target) as new, new.open("w", encoding="utf-8", newline="") as file:
        file.writelines(pieces)
