"""The files that the commands read and write: names, checks, and hints for a file of the wrong kind."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from typing import Any

import click

from mien.cli.inputs import Input
from mien.errors import InputError, InvalidOption, MienError, StorageFull
from mien.images.encode import Encoding
from mien.images.formats import PictureFormat, sniff
from mien.usecases.decoders import open_decoders
from mien.video.model import Sampling
from mien.video.reader import ClipReader

_PICTURES = {".jpg": Encoding.JPEG, ".jpeg": Encoding.JPEG, ".png": Encoding.PNG}
_SNIFFED_BYTES = 4096
_HINT_SIDE = 64  # px: the picture itself is of no interest


@contextmanager
def clip_reader() -> Iterator[ClipReader]:
    """For one clip at a time, in decoder processes that begin to start at once."""
    decoders = open_decoders(1)
    try:
        if decoders is not None:
            decoders.start()
        yield ClipReader(sandbox=decoders)
    finally:
        if decoders is not None:
            decoders.close()


class PictureOrFolder(click.Path):
    """Where annotated pictures go: a folder (existing, ending in a slash, or without a suffix), or a new file.

    An existing file is refused: it is most likely a picture to read, given in place of the output.
    """

    def __init__(self) -> None:
        super().__init__(path_type=Path, readable=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(value)
        if not path.is_dir() and not value.endswith(("/", os.sep)):
            if path.exists():
                self.fail(f"{value!r} already exists and is not overwritten; name a folder or a new file.")
            if path.suffix and encoding_of(path) is None:
                self.fail(f"{value!r} is not a .jpg or .png; name such a file, or a folder: {f'{value}/'!r}.")
        return super().convert(value, param, ctx)


def encoding_of(path: Path) -> Encoding | None:
    """The format of a picture file with this name; ``None`` for a suffix that Mien does not write."""
    return _PICTURES.get(path.suffix.lower())


def output_files(pictures: Sequence[Input], output: Path, kind: str) -> list[Path]:
    """The file for each of ``pictures``: ``output`` itself if it names a picture, otherwise a file in that folder.

    Raises:
        InvalidOption: several pictures cannot go into one file.
    """
    if output.is_dir() or encoding_of(output) is None:
        ending = f".{kind}.jpg"
        return [path.with_name(path.name + ending) for path in names_in_folder(pictures, output, [ending])]
    if len(pictures) > 1:
        raise InvalidOption("annotate", f"{output} is one file, for {len(pictures)} pictures; name a folder.")
    return [output]


def names_in_folder(inputs: Sequence[Input], folder: Path, endings: Iterable[str]) -> list[Path]:
    """A path below ``folder`` for each of ``inputs``, to which every one of ``endings`` can be added: its name without
    the suffix, or ``NAME-2`` and so on where one of these is taken. Folders below a given folder are kept.

    A name is taken by an earlier input or by an input itself. The same inputs in the same order get the same names; the
    output of an earlier call is overwritten.
    """
    # Some file systems do not tell names apart by case. realpath, as resolve() fails on a loop of links.
    folders = {below: os.path.realpath(folder / below) for below in {given.below for given in inputs}}
    real = (Path(os.path.realpath(given.path)) for given in inputs)
    taken = {(str(path.parent), path.name.casefold()) for path in real}
    # The last number tried per name: counting on from it keeps thousands of equal names from being tried again.
    numbers: Counter[tuple[Path, str]] = Counter()
    names = []
    for given in inputs:
        while True:
            numbers[given.below, given.stem] += 1
            number = numbers[given.below, given.stem]
            name = given.stem if number == 1 else f"{given.stem}-{number}"
            targets = {(folders[given.below], f"{name}{ending}".casefold()) for ending in endings}
            if targets.isdisjoint(taken):
                break
        taken |= targets
        names.append(folder / given.below / name)
    return names


def check_readable(clip: Path) -> None:
    """A check before the models are loaded.

    Raises:
        InputError: it cannot be read, or is not a regular file: a pipe cannot be read twice, as pictures and sound are.
    """
    try:
        if clip.is_dir():
            raise InputError(f"{clip} is a folder; name a clip")
        if not clip.is_file():
            raise InputError(f"there is no file {clip}")
        with clip.open("rb"):
            pass
    except OSError as error:
        raise InputError(f"{clip} cannot be read: {error.strerror}") from error


def check_writable(path: Path) -> None:
    """A check before work that takes minutes. Leaves ``path`` as it is.

    Raises:
        InputError: nothing can be written there.
    """
    try:
        if not path.parent.is_dir():
            raise InputError(f"cannot write {path}: there is no folder {path.parent}")
        # By opening it: the mode bits are not all that counts. A link to a file that does not exist yet creates it.
        real = Path(os.path.realpath(path))
        new = not real.exists()
        with real.open("ab"):
            pass
        if new:
            real.unlink()
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def write(path: Path, content: bytes) -> None:
    """Write a whole file; its folder is made if it is missing.

    Raises:
        StorageFull: it cannot be written.
    """
    with replacing(path) as new:
        new.write_bytes(content)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Another name in the folder of ``path``, which is made if it is missing: the file written there becomes ``path``
    if all goes well, so that a run that is stopped leaves no half of a file.

    Raises:
        StorageFull: it cannot be written.
    """
    real = Path(os.path.realpath(path))  # a link stays one
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        if real.exists() and not real.is_file():  # a device, or a pipe
            yield real
            return
        new = real.with_name(f".mien-{os.getpid()}-{get_ident()}{real.suffix}")
        try:
            yield new
            new.replace(real)
        finally:
            new.unlink(missing_ok=True)
    except BrokenPipeError:
        raise  # of standard output
    except OSError as error:
        raise StorageFull(f"cannot write {path}: {error.strerror}") from error


def hint_for_clip(path: Path) -> str:
    """For a file that is not a picture: the command for it if it is a clip, otherwise nothing."""
    try:
        with clip_reader() as clips:
            clips.open(path, Sampling(), _HINT_SIDE).close()
    except (MienError, OSError):
        return ""
    return f"; use mien video {path}"


def hint_for_picture(path: Path) -> str:
    """For a file that is not a clip: the command for it if it is a picture, otherwise nothing."""
    try:
        with path.open("rb") as file:
            found = sniff(file.read(_SNIFFED_BYTES))
    except (MienError, OSError):
        return ""
    # A GIF may be either, and has been tried as a clip.
    return "" if found == PictureFormat.GIF else f" It is a picture ({found}): use mien predict {path}"
