"""Files to write: how their names are read, those of drawn pictures, and whether one can be written."""

import os
from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from mien.errors import InputError, InvalidOption
from mien.images.encode import Encoding

_PICTURES = {".jpg": Encoding.JPEG, ".jpeg": Encoding.JPEG, ".png": Encoding.PNG}


def file_ending(suffix: str) -> Callable[[str], Path]:
    """Reads the name of a file to write in the one format that ends in ``suffix``.

    A name that ends in anything else is refused: it is most likely the input, given in the place of the output.
    """

    def parse(text: str) -> Path:
        if Path(text).suffix.lower() != suffix:
            raise ArgumentTypeError(
                f"{text!r} does not end in {suffix}: name the file to write here, and the clip apart"
            )
        return Path(text)

    return parse


def picture_or_folder(text: str) -> Path:
    """Reads where drawn pictures go: a folder (there already, ending in a slash, or without a suffix), or a new file.

    A file that is there already is refused: it is most likely a picture to read, given in the place of the output.
    """
    path = Path(text)
    if path.is_dir() or text.endswith(("/", os.sep)):
        return path
    if path.exists():
        raise ArgumentTypeError(f"{text!r} is there already and is not written over; name a folder or a new file")
    if path.suffix and encoding_of(path) is None:
        raise ArgumentTypeError(f"{text!r} is no .jpg or .png; name such a file, or a folder as {f'{text}/'!r}")
    return path


def encoding_of(path: Path) -> Encoding | None:
    """The format of a picture file with this name; ``None`` where Mien writes none that is called so."""
    return _PICTURES.get(path.suffix.lower())


def drawn_files(pictures: Sequence[Path], place: Path, kind: str) -> list[Path]:
    """The file for each of ``pictures``: ``place`` itself where it is a file's name, else one in that folder.

    Raises:
        InvalidOption: several pictures cannot go into one file.
    """
    if place.is_dir() or encoding_of(place) is None:
        return names_for(pictures, place, kind)
    if len(pictures) > 1:
        raise InvalidOption("annotate", f"{place} is one file, for {len(pictures)} pictures; name a folder.")
    return [place]


def names_for(pictures: Sequence[Path], folder: Path, kind: str) -> list[Path]:
    """A file in ``folder`` for each of ``pictures``: ``NAME.<kind>.jpg``, or ``NAME-2`` where that is taken.

    Taken by an earlier picture, or because it is a picture given. The same pictures in the same order get the same
    names; what an earlier call wrote is written over.
    """
    # Some file systems keep no two names that differ in case alone. realpath, as resolve() fails on a loop of links.
    here = os.path.realpath(folder)
    given = (Path(os.path.realpath(picture)) for picture in pictures)
    taken = {path.name.casefold() for path in given if str(path.parent) == here}
    used: Counter[str] = Counter()
    targets = []
    for picture in pictures:
        while (name := _name(picture.stem, kind, used)).casefold() in taken:
            pass
        taken.add(name.casefold())
        targets.append(folder / name)
    return targets


def check_writable(target: Path) -> None:
    """Before work that takes minutes, so that it is not lost for a mistyped name. Leaves ``target`` as it is.

    Raises:
        InputError: nothing can be written there.
    """
    folder = target.parent
    try:
        if not folder.is_dir():
            raise InputError(f"cannot write {target}: there is no folder {folder}")
        # Tried, for what the modes say is not all that counts. Through a link that leads to no file yet, one is made.
        real = Path(os.path.realpath(target))
        new = not real.exists()
        with real.open("ab"):
            pass
        if new:
            real.unlink()
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}") from error


def _name(stem: str, kind: str, used: Counter[str]) -> str:
    """The next name to try; counting on from the last keeps thousands of equal names from being tried again."""
    used[stem] += 1
    number = used[stem]
    return f"{stem}.{kind}.jpg" if number == 1 else f"{stem}-{number}.{kind}.jpg"
