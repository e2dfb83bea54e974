"""The files that a command is given: named one by one, by a folder, or by a pattern."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path

from mien.errors import InputError

STDIN = Path("-")
PICTURES = frozenset(
    [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".heif"]
)
CLIPS = frozenset([".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".gif", ".ts", ".mts", ".m2ts", ".flv"])
"""What is taken from a folder, by the suffix; a file that is named itself may have any."""

_WRITTEN = (".annotated", ".redacted")  # what Mien wrote beside them


@dataclass(frozen=True, slots=True)
class Input:
    """A file, and where it lies below the folder that was given: ``Path()`` if it was named itself."""

    path: Path
    below: Path = Path()

    @property
    def stem(self) -> str:
        """Its name without a suffix."""
        return "stdin" if self.path == STDIN else self.path.stem


def expand(given: Sequence[Path], suffixes: frozenset[str]) -> list[Input]:
    """The files that are meant, in the order given; those of a folder in the order of their paths.

    A folder means its files with one of ``suffixes``, also those in folders below it; hidden ones and what Mien has
    written are left out. A pattern (``*``, ``?``, ``[...]``, and ``**`` for any folders) is expanded if there is no
    file of that name, for shells that do not do it.

    Raises:
        InputError: a folder or a pattern has no such file.
    """
    found: list[Input] = []
    for path in given:
        before = len(found)
        if os.path.isdir(path):  # noqa: PTH112 - unlike Path's, false without permission to look
            found += (Input(file, file.parent.relative_to(path)) for file in _files(path, suffixes))
        elif path == STDIN or os.path.lexists(path) or not has_magic(str(path)):
            found.append(Input(path))
        else:
            matches = Path(path.anchor).glob(str(path.relative_to(path.anchor)))
            found += (Input(file) for file in sorted(matches) if file.is_file() and not file.name.startswith("."))
        if len(found) == before:
            kinds = ", ".join(sorted(suffixes))
            raise InputError(f"{path} has no file of a known kind ({kinds})" if path.is_dir() else f"{path} is no file")
    return found


def _files(folder: Path, suffixes: frozenset[str]) -> Iterator[Path]:
    for root, folders, names in os.walk(folder, onerror=_fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            if path.suffix.lower() in suffixes and not name.startswith(".") and Path(path.stem).suffix not in _WRITTEN:
                yield path


def _fail(error: OSError) -> None:
    raise InputError(f"{error.filename} cannot be read: {error.strerror}") from error
