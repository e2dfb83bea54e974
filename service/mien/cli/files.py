"""The files that the commands read and write: names, checks, and hints for a file of the wrong kind."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mien.errors import InputError, InvalidOption, MienError, StorageFull
from mien.images.encode import Encoding
from mien.images.formats import PictureFormat, sniff
from mien.video.demuxer import Demuxer
from mien.video.model import ClipLimits

_PICTURES = {".jpg": Encoding.JPEG, ".jpeg": Encoding.JPEG, ".png": Encoding.PNG}
_SNIFFED_BYTES = 4096


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


def output_files(pictures: Sequence[Path], output: Path, kind: str) -> list[Path]:
    """The file for each of ``pictures``: ``output`` itself if it names a picture, otherwise a file in that folder.

    Raises:
        InvalidOption: several pictures cannot go into one file.
    """
    if output.is_dir() or encoding_of(output) is None:
        return names_in_folder(pictures, output, kind)
    if len(pictures) > 1:
        raise InvalidOption("annotate", f"{output} is one file, for {len(pictures)} pictures; name a folder.")
    return [output]


def names_in_folder(pictures: Sequence[Path], folder: Path, kind: str) -> list[Path]:
    """A file in ``folder`` for each of ``pictures``: ``NAME.<kind>.jpg``, or ``NAME-2`` where that is taken.

    A name is taken by an earlier picture or by an input picture. The same pictures in the same order get the same
    names; the output of an earlier call is overwritten.
    """
    # Some file systems do not tell names apart by case. realpath, as resolve() fails on a loop of links.
    real_folder = os.path.realpath(folder)
    inputs = (Path(os.path.realpath(picture)) for picture in pictures)
    taken = {path.name.casefold() for path in inputs if str(path.parent) == real_folder}
    # The last number tried per name: counting on from it keeps thousands of equal names from being tried again.
    numbers: Counter[str] = Counter()
    files = []
    for picture in pictures:
        while True:
            numbers[picture.stem] += 1
            number = "" if numbers[picture.stem] == 1 else f"-{numbers[picture.stem]}"
            name = f"{picture.stem}{number}.{kind}.jpg"
            if name.casefold() not in taken:
                break
        taken.add(name.casefold())
        files.append(folder / name)
    return files


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
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise StorageFull(f"cannot write {path}: {error.strerror}") from error


def hint_for_clip(path: Path) -> str:
    """For a file that is not a picture: the command for it if it is a clip, otherwise nothing."""
    try:
        Demuxer(path, ClipLimits().max_pixels).close()
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
