"""Files that results are written to."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from mien.errors import InputError, InvalidOption, StorageFull
from mien.images.encode import Encoding

_ENCODINGS = {".jpg": Encoding.JPEG, ".jpeg": Encoding.JPEG, ".png": Encoding.PNG}


def encoding_for(path: str | PathLike[str]) -> Encoding:
    """The format of a picture file with this name.

    Raises:
        InvalidOption: it does not end in .png, .jpg or .jpeg.
    """
    encoding = _ENCODINGS.get(Path(path).suffix.lower())
    if encoding is None:
        raise InvalidOption("path", f"{path} ends neither in .png nor in .jpg; name such a file.")
    return encoding


@contextmanager
def replacing(path: str | PathLike[str], source: Path | None) -> Iterator[Path]:
    """A file beside ``path`` for an annotated clip, which becomes ``path`` if all goes well.

    Raises:
        InputError: ``path`` is the clip itself, ``source``.
        InvalidOption: it does not end in .mp4.
        StorageFull: it cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() != ".mp4":
        raise InvalidOption("path", f"{target} does not end in .mp4, the one format that is written.")
    if source is not None and target.exists() and source.exists() and target.samefile(source):
        raise InputError(f"{target} is the clip itself; name another file to write")
    try:
        with tempfile.TemporaryDirectory(prefix=".mien-", dir=target.parent) as folder:
            drawn = Path(folder) / "drawn.mp4"
            yield drawn
            drawn.replace(target)
    except OSError as error:
        raise StorageFull(f"cannot write {target}: {error.strerror}") from error


def write(path: str | PathLike[str], content: bytes) -> Path:
    """Write a whole file; returns its path.

    Raises:
        StorageFull: it cannot be written.
    """
    target = Path(path)
    try:
        target.write_bytes(content)
    except OSError as error:
        raise StorageFull(f"cannot write {target}: {error.strerror}") from error
    return target
