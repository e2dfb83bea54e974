"""Where ``mien video`` writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from mien.cli.clip_outputs import ANNOTATED, FORMATS
from mien.cli.files import names_in_folder
from mien.cli.inputs import Input
from mien.cli.outputs import ALONE, STDOUT, check_outputs


@dataclass(frozen=True, slots=True)
class ClipTargets:
    """A clip and the files to make of it, by the names of ``FORMATS``."""

    input: Input
    files: Mapping[str, Path]
    annotated: Path | None

    @property
    def exist(self) -> bool:
        """Whether all of them are there."""
        return all(path.exists() for path in (*self.files.values(), *filter(None, [self.annotated])))


def plan(
    inputs: Sequence[Input], files: Mapping[str, Path], annotated: Path | None, into: Path | None, redact: bool
) -> list[ClipTargets]:
    """The files of every clip: those that are named, or ones in the folder ``into``.

    Raises:
        click.UsageError: the outputs cannot be told apart, or one has no name.
        InputError: one cannot be written.
    """
    given = {**files, **({} if annotated is None else {"annotate": annotated})}
    if into is None:
        for name, target in given.items():
            if target == ALONE:
                suffix = ANNOTATED.suffix if name == "annotate" else FORMATS[name][0].suffix
                raise click.UsageError(f"--{name} needs the name of a {suffix} file; or add --into FOLDER.")
        if len(inputs) > 1 and given not in ({}, {"json": STDOUT}):
            raise click.UsageError(f"The outputs of {len(inputs)} clips need a folder; add --into FOLDER.")
        check_outputs(given.values(), [one.path for one in inputs])
        return [ClipTargets(one, files, annotated) for one in inputs]
    if not given:
        raise click.UsageError("--into needs an output to write there, such as --csv or --plot.")
    named = [target for target in given.values() if target not in (ALONE, STDOUT)]
    if named:
        raise click.UsageError(f"--into gives every output its name; leave out {named[0]}.")
    endings = {name: FORMATS[name][0].suffix for name in files}
    if annotated is not None:
        endings["annotate"] = f".{'redacted' if redact else 'annotated'}{ANNOTATED.suffix}"
    bases = names_in_folder(inputs, into, list(endings.values()))
    return [_named(one, base, endings) for one, base in zip(inputs, bases, strict=True)]


def _named(one: Input, base: Path, endings: Mapping[str, str]) -> ClipTargets:
    paths = {name: base.with_name(base.name + ending) for name, ending in endings.items()}
    return ClipTargets(one, {name: path for name, path in paths.items() if name in FORMATS}, paths.get("annotate"))
