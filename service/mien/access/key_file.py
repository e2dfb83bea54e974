"""The file of keys: JSON, replaced as a whole, so that a reader never sees half of a change."""

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from mien.access.keys import Key
from mien.errors import InvalidOption

_OPTION = "keys_file"
_MAX_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class _Content:
    version: Literal[1]
    keys: tuple[Key, ...]


def read_keys(path: Path) -> tuple[Key, ...]:
    """The keys in the file.

    Raises:
        InvalidOption: it cannot be read, or does not hold keys.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise InvalidOption(
            _OPTION, f"There is no file of keys {path}; make it with: mien keys add NAME --file {path}"
        ) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InvalidOption(
            _OPTION, f"The file of keys {path} cannot be read ({reason}); make it readable for this user."
        ) from error
    if len(content) > _MAX_BYTES:
        raise InvalidOption(
            _OPTION, f"The file of keys {path} is larger than {_MAX_BYTES >> 20} MiB; name another file."
        )
    try:
        keys = msgspec.json.decode(content, type=_Content).keys
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidOption(
            _OPTION, f"The file of keys {path} is damaged ({error}); restore it, or make a new one with: mien keys add"
        ) from None
    if len({key.id for key in keys}) < len(keys):
        raise InvalidOption(_OPTION, f"The file of keys {path} has an id twice; remove one of the two.")
    return keys


def write_keys(path: Path, keys: tuple[Key, ...]) -> None:
    """Replace the file by one with ``keys``; it keeps its mode and owner, and a new one is this user's alone.

    Raises:
        InvalidOption: it cannot be written.
    """
    content = msgspec.json.format(msgspec.json.encode(_Content(1, keys)), indent=2) + b"\n"
    real = Path(os.path.realpath(path))  # a link stays one
    try:
        with tempfile.NamedTemporaryFile(prefix=f".{real.name}.", dir=real.parent, delete=False) as file:
            new = Path(file.name)
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                _keep_permissions(real, new)
                new.replace(real)
            except BaseException:
                new.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise InvalidOption(
            _OPTION, f"Cannot write the file of keys {path}: {(error.strerror or str(error)).lower()}."
        ) from error


def _keep_permissions(old: Path, new: Path) -> None:
    try:
        status = old.stat()
    except FileNotFoundError:
        return
    new.chmod(stat.S_IMODE(status.st_mode))
    if sys.platform != "win32":
        with suppress(PermissionError):  # only root may give files away
            os.chown(new, status.st_uid, status.st_gid)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keeps other ``mien keys`` commands from changing the file meanwhile.

    Raises:
        InvalidOption: its folder cannot be opened.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl  # noqa: PLC0415 - Windows has none

    folder = Path(os.path.realpath(path)).parent
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InvalidOption(
            _OPTION, f"Cannot open the folder {folder}: {(error.strerror or str(error)).lower()}."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
