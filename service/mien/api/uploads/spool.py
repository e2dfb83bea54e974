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


class Spool:
    """The files of one request, one after the other, in memory or in one file of ours.

    So the memory is bounded per request, whatever the number of its files, and it holds one descriptor. The file is
    made, written and removed in threads, because a slow disk would stop the event loop.
    """

    def __init__(self, settings: SpoolSettings) -> None:
        self.size = 0
        """Bytes written."""
        self._folder = None if settings.folder is None else str(settings.folder)
        self._memory_bytes = 0 if settings.named else settings.memory_bytes
        self._on_disk = settings.named
        self._file: IO[bytes] | None = None
        if not settings.named:
            self._file = SpooledTemporaryFile(max_size=settings.memory_bytes, dir=self._folder)  # noqa: SIM115
        self._lock = Lock()  # a cancelled request is closed while its last write may still be running

    async def write(self, chunk: bytes) -> None:
        """Append.

        Raises:
            StorageFull: when there is no room left.
        """
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
        """A part of what was written. Call it in a thread: it may read a file."""
        with self._lock:
            file = self._opened()
            file.seek(start)
            return file.read(size)

    async def path(self) -> Path:
        """The file, if ``named``; it exists until the spool is closed.

        Raises:
            StorageFull: when there is no room left.
        """
        return await to_thread.run_sync(self._path)

    def _path(self) -> Path:
        with self._lock, storage_errors():
            file = self._opened()
            file.flush()
            return Path(file.name)

    async def close(self) -> None:
        """Delete everything, even if the request is cancelled."""
        with CancelScope(shield=True):
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


@dataclass(slots=True)
class Upload:
    """One received file: ``size`` bytes from ``start`` in ``spool``; ``name`` is the client's name for it.

    The files of a request are written one after the other, and read when all are complete.
    """

    name: str | None
    spool: Spool
    start: int = 0
    size: int = 0

    async def write(self, chunk: bytes) -> None:
        """Append; see ``Spool.write``."""
        if self.size == 0:
            self.start = self.spool.size
        self.size += len(chunk)
        await self.spool.write(chunk)

    def read(self) -> bytes:
        """The whole content; see ``Spool.read``."""
        return self.spool.read(self.start, self.size)


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
