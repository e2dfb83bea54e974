"""Stored uploads: pictures in memory or in a nameless file, clips in a named one. Either is deleted when closed."""

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
_FOLDER_LOST = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EROFS})
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class SpoolSettings:
    """How many bytes of a request stay in memory, and the folder for the rest (``None``: the system's).

    ``named`` uploads lie in a file of that folder from their first byte, for readers that must open them by name.
    """

    memory_bytes: int = 1 << 20
    folder: Path | None = None
    named: bool = False


class Upload:
    """One received file. ``name`` is the client's name for it, ``size`` its length in bytes.

    The files of one request follow one another in one file of ours; ``before`` is the previous one. So the memory is
    bounded per request, whatever the number of its files, and it holds one descriptor. They are written one after the
    other, and read when all are complete.
    """

    def __init__(self, name: str | None, settings: SpoolSettings, before: "Upload | None" = None) -> None:
        self.name = name
        self.size = 0
        self._store: _Store = _Store(settings) if before is None else before._store
        self._start = 0

    async def write(self, chunk: bytes) -> None:
        """Append; files are written in a thread, so that a slow disk does not stop the event loop.

        Raises:
            StorageFull: when there is no room left.
        """
        if self.size == 0:
            self._start = self._store.size
        self.size += len(chunk)
        await self._store.write(chunk)

    def read(self) -> bytes:
        """The whole content. Call it in a thread: it may read a file."""
        return self._store.read(self._start, self.size)

    async def path(self) -> Path:
        """The file of a ``named`` upload that is the only one of its request; it exists until the upload is closed.

        Raises:
            StorageFull: when there is no room left.
        """
        return await to_thread.run_sync(self._store.path)

    async def close(self) -> None:
        """Delete the content of all files of the request, even if it is cancelled. Closing twice is harmless."""
        with CancelScope(shield=True):
            await self._store.close()


class _Store:
    """The bytes of one request's files: in memory, or in a file that is made, written and removed in threads only."""

    def __init__(self, settings: SpoolSettings) -> None:
        self.size = 0
        self._folder = None if settings.folder is None else str(settings.folder)
        self._memory_bytes = 0 if settings.named else settings.memory_bytes
        self._on_disk = settings.named
        self._file: IO[bytes] | None = None
        if not settings.named:
            self._file = SpooledTemporaryFile(max_size=settings.memory_bytes, dir=self._folder)  # noqa: SIM115
        self._lock = Lock()  # a cancelled request is closed while its last write may still be running

    async def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self._on_disk = self._on_disk or self.size > self._memory_bytes
        if self._on_disk:
            await to_thread.run_sync(self._write, chunk)
        else:
            self._write(chunk)

    def _write(self, chunk: bytes) -> None:
        with self._lock, storage_errors():
            self._opened().write(chunk)

    def read(self, start: int, size: int) -> bytes:
        with self._lock:
            file = self._opened()
            file.seek(start)
            return file.read(size)

    def path(self) -> Path:
        with self._lock, storage_errors():
            file = self._opened()
            file.flush()
            return Path(file.name)

    async def close(self) -> None:
        if self._on_disk:
            await to_thread.run_sync(self._close)
        else:
            self._close()

    def _close(self) -> None:
        # Closing writes the rest of the buffer, which may fail on a full disk and is not needed any more.
        with self._lock, suppress(OSError):
            if self._file is not None:
                self._file.close()

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            self._file = NamedTemporaryFile(dir=self._folder, prefix=CLIP_PREFIX)  # noqa: SIM115
        return self._file


@contextmanager
def storage_errors(what: str = "the upload") -> Iterator[None]:
    """Raises ``StorageFull`` for a full disk, and for a folder that has been removed or made read-only since the start;
    ``what`` is being stored."""
    try:
        yield
    except OSError as error:
        if error.errno in _FOLDER_LOST:
            reason = os.strerror(error.errno).lower()
            raise StorageFull(
                f"There is no place to store {what} ({reason}); the operator of the service must fix this."
            ) from error
        if error.errno not in _DISK_FULL:
            raise
        raise StorageFull(f"There is no room to store {what}; free some space or try again later.") from error
