"""Files that results are written to."""

from os import PathLike
from pathlib import Path

from mien.errors import InvalidOption, StorageFull
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
