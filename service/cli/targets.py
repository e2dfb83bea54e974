"""Files to write: those of drawn pictures, one each whatever the pictures are called; and whether one can be."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from service.errors import InputError


def names_for(pictures: Sequence[Path], folder: Path) -> list[Path]:
    """A file in ``folder`` for each of ``pictures``: ``NAME.annotated.jpg``, or ``NAME-2`` where that is taken.

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
        while (name := _name(picture.stem, used)).casefold() in taken:
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


def _name(stem: str, used: Counter[str]) -> str:
    """The next name to try; counting on from the last keeps thousands of equal names from being tried again."""
    used[stem] += 1
    number = used[stem]
    return f"{stem}.annotated.jpg" if number == 1 else f"{stem}-{number}.annotated.jpg"
