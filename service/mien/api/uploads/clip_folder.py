"""The folder of a clip: removed with its request, or, if its process was killed, by another process."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from threading import Lock

from anyio import CancelScope, to_thread

from mien.api.uploads.spool import CLIP_PREFIX, storage_errors

ANNOTATED = "annotated.mp4"
_PREFIX = "mien-clip-"
_MIN_AGE_SECONDS = 60.0  # a younger folder may not be locked yet


@asynccontextmanager
async def clip_folder(parent: Path | None) -> AsyncIterator[Path]:
    """A new folder in ``parent`` (``None``: the system's own), locked until it is removed or this process ends.

    It is made and removed in threads, because a slow disk would stop the event loop.

    Raises:
        StorageFull: when there is no room for it.
    """
    folder = _ClipFolder(parent)
    try:
        yield await to_thread.run_sync(folder.make)
    finally:
        with CancelScope(shield=True):
            await to_thread.run_sync(folder.remove)


class _ClipFolder:
    """The folder and its lock. Thread-safe: a cancelled request may remove it while it is being made."""

    def __init__(self, parent: Path | None) -> None:
        self._parent = parent
        self._stack = ExitStack()
        self._lock = Lock()

    def make(self) -> Path:
        with self._lock, storage_errors():
            folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix=_PREFIX, dir=self._parent))
            with suppress(OSError):  # no locks on this file system: nothing is swept there
                self._stack.enter_context(_locked(Path(folder)))
            return Path(folder)

    def remove(self) -> None:
        with self._lock:
            self._stack.close()


def sweep(parent: Path | None) -> int:
    """Remove the folders that killed processes left in ``parent``, with their clips; returns how many.

    The folders of running processes are locked, those of other users cannot be removed, and one that holds anything
    else is not ours: all of them stay.
    """
    if sys.platform == "win32":
        return 0  # without locks, folders in use cannot be told apart
    removed = 0
    with suppress(OSError):  # no such folder, or a passing error of the disk: the next sweep tries again
        for folder in Path(parent or tempfile.gettempdir()).glob(f"{_PREFIX}*"):
            with suppress(OSError):
                if _is_leftover(folder):
                    with _locked(folder):
                        shutil.rmtree(folder)
                    removed += 1
    return removed


def _is_leftover(folder: Path) -> bool:
    if folder.is_symlink() or time.time() - folder.stat().st_mtime < _MIN_AGE_SECONDS:
        return False
    return all(path.name == ANNOTATED or path.name.startswith(CLIP_PREFIX) for path in folder.iterdir())


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The system releases the lock when the process ends. Raises ``OSError`` if another process holds it."""
    if sys.platform == "win32":
        yield
        return
    import fcntl  # noqa: PLC0415 - Windows has none

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
