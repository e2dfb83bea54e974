"""Uploads at rest: pictures in memory or in a nameless file, clips in a named one. Either vanishes when closed."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile, SpooledTemporaryFile
from threading import Lock
from typing import IO

from anyio import CancelScope, to_thread

from mien.errors import StorageFull

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
        self._store: _Store = _Store(settings) if before is None else before._store
        self._start = 0

    async def write(self, chunk: bytes) -> None:
        """Append; what goes to a file is written in a thread, so that a slow disk does not stop the event loop.

        Raises:
            StorageFull: when there is no room left.
        """
        if self.size == 0:
            self._start = self._store.size
        self.size += len(chunk)
        await self._store.write(chunk)

    def read(self) -> bytes:
        """The whole content. Reads a file: for a thread."""
        return self._store.read(self._start, self.size)

    async def path(self) -> Path:
        """The whole content under a name, until it is closed; of a ``named`` upload that came alone only.

        Raises:
            StorageFull: when there is no room left.
        """
        return await to_thread.run_sync(self._store.path)

    async def close(self) -> None:
        """Forget the content, and that of the others of its request, even where the request is cancelled. Closing twice
        is harmless."""
        with CancelScope(shield=True):
            await self._store.close()


class _Store:
    """The bytes of one request's files: in memory, or in a file that is made, written and removed in threads only."""

    def __init__(self, settings: SpoolSettings) -> None:
        self.size = 0
        self._settings = settings
        self._memory_bytes = 0 if settings.named else settings.memory_bytes
        self._file: IO[bytes] | None = None if settings.named else _spooled(settings)
        self._on_disk = settings.named
        self._lock = Lock()  # a cancelled request is closed while its last write may still be under way

    async def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self._on_disk = self._on_disk or self.size > self._memory_bytes
        if self._on_disk:
            await to_thread.run_sync(self._write, chunk)
        else:
            self._write(chunk)

    def _write(self, chunk: bytes) -> None:
        with self._lock, room_needed():
            self._opened().write(chunk)

    def read(self, start: int, size: int) -> bytes:
        with self._lock:
            file = self._opened()
            file.seek(start)
            return file.read(size)

    def path(self) -> Path:
        with self._lock, room_needed():
            file = self._opened()
            file.flush()
            return Path(file.name)

    async def close(self) -> None:
        if self._on_disk:
            await to_thread.run_sync(self._close)
        else:
            self._close()

    def _close(self) -> None:
        # A full disk, for the rest of the buffer, which is not wanted any more.
        with self._lock, suppress(OSError):
            if self._file is not None:
                self._file.close()

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            folder = None if self._settings.folder is None else str(self._settings.folder)
            self._file = NamedTemporaryFile(dir=folder, prefix=CLIP_PREFIX)  # noqa: SIM115 - closed with the store
        return self._file


def _spooled(settings: SpoolSettings) -> IO[bytes]:
    folder = None if settings.folder is None else str(settings.folder)
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
