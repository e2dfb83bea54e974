"""Uploads at rest: pictures in memory or in a nameless file, clips in a named one. Either vanishes when closed."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile, SpooledTemporaryFile
from typing import IO

from anyio import to_thread

from service.errors import StorageFull

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
    """One received file. ``name`` is what the caller called it, ``size`` its length in bytes."""

    def __init__(self, name: str | None, settings: SpoolSettings) -> None:
        self.name = name
        self.size = 0
        self._memory_bytes = 0 if settings.named else settings.memory_bytes
        folder = None if settings.folder is None else str(settings.folder)
        self._file: IO[bytes]
        with room_needed():
            if settings.named:
                self._file = NamedTemporaryFile(dir=folder, prefix="clip-")  # noqa: SIM115
            else:
                self._file = SpooledTemporaryFile(max_size=settings.memory_bytes, dir=folder)  # noqa: SIM115

    async def write(self, chunk: bytes) -> None:
        """Append; what goes to a file is written in a thread, so that a slow disk does not stop the event loop.

        Raises:
            StorageFull: when there is no room left.
        """
        self.size += len(chunk)
        with room_needed():
            if self.size > self._memory_bytes:
                await to_thread.run_sync(self._file.write, chunk)
            else:
                self._file.write(chunk)

    def read(self) -> bytes:
        """The whole content."""
        self._file.seek(0)
        return self._file.read()

    def path(self) -> Path:
        """The whole content under a name, until it is closed; of a ``named`` upload only.

        Raises:
            StorageFull: when there is no room left.
        """
        with room_needed():
            self._file.flush()
        return Path(self._file.name)

    def close(self) -> None:
        """Forget the content. Closing twice is harmless."""
        with suppress(OSError):  # a full disk, for the rest of the buffer; nobody wants it any more
            self._file.close()


@contextmanager
def room_needed(what: str = "the upload") -> Iterator[None]:
    """Turns a full disk into ``StorageFull``, which says that it is ``what`` finds no room."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise StorageFull(f"There is no room to store {what}; free some space or try again later.") from error
