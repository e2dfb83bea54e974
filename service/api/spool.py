"""Uploads at rest: pictures in memory or in a nameless file, clips in a named one. Either vanishes when closed."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile, SpooledTemporaryFile
from typing import IO

from anyio import to_thread

from service.errors import StorageFull

CLIP_PREFIX = "clip-"
_LOST = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EROFS})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class SpoolSettings:
    """How many bytes of one upload stay in memory, and the folder where the rest goes (``None``: the system's).

    ``named`` uploads lie in a file of that folder from their first byte, for readers that must open them by name.
    """

    memory_bytes: int = 1 << 20
    folder: Path | None = None
    named: bool = False


class Upload:
    """One received file. ``name`` is what the caller called it, ``size`` its length in bytes.

    The files of one request follow one another in one file of ours: ``before`` is the one that came before this. So
    the memory is bounded a request, whatever the number of its files, and it holds one descriptor. They are written
    one after the other, and read when all are there.
    """

    def __init__(self, name: str | None, settings: SpoolSettings, before: "Upload | None" = None) -> None:
        self.name = name
        self.size = 0
        self._memory_bytes = 0 if settings.named else settings.memory_bytes
        self._file: IO[bytes] = _open(settings) if before is None else before._file
        self._start = 0

    async def write(self, chunk: bytes) -> None:
        """Append; what goes to a file is written in a thread, so that a slow disk does not stop the event loop.

        Raises:
            StorageFull: when there is no room left.
        """
        if self.size == 0:
            self._start = self._file.tell()
        self.size += len(chunk)
        with room_needed():
            if self._start + self.size > self._memory_bytes:
                await to_thread.run_sync(self._file.write, chunk)
            else:
                self._file.write(chunk)

    def read(self) -> bytes:
        """The whole content."""
        self._file.seek(self._start)
        return self._file.read(self.size)

    def path(self) -> Path:
        """The whole content under a name, until it is closed; of a ``named`` upload that came alone only.

        Raises:
            StorageFull: when there is no room left.
        """
        with room_needed():
            self._file.flush()
        return Path(self._file.name)

    def close(self) -> None:
        """Forget the content, and that of the others of its request. Closing twice is harmless."""
        with suppress(OSError):  # a full disk, for the rest of the buffer; nobody wants it any more
            self._file.close()


def _open(settings: SpoolSettings) -> IO[bytes]:
    folder = None if settings.folder is None else str(settings.folder)
    with room_needed():
        if settings.named:
            return NamedTemporaryFile(dir=folder, prefix=CLIP_PREFIX)
        return SpooledTemporaryFile(max_size=settings.memory_bytes, dir=folder)


@contextmanager
def room_needed(what: str = "the upload") -> Iterator[None]:
    """Turns a full disk into ``StorageFull``, which says that it is ``what`` finds no room; so, too, a folder that has
    gone or turned read-only since the start, which is for the operator to mend."""
    try:
        yield
    except OSError as error:
        if error.errno in _LOST:
            reason = os.strerror(error.errno).lower()
            raise StorageFull(
                f"There is no place to store {what} ({reason}); whoever runs the service must mend it."
            ) from error
        if error.errno not in _FULL:
            raise
        raise StorageFull(f"There is no room to store {what}; free some space or try again later.") from error
