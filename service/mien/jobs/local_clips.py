"""Clips of the object store as files of this machine, shared by the segments that are analysed here."""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mien.jobs.media_store import MediaStore

_IDLE = 2
"""Copies kept for the next segment. Each may have the size of the largest clip."""


class _Copy:
    def __init__(self, folder: tempfile.TemporaryDirectory[str]) -> None:
        self.folder = folder
        self.path = Path(folder.name, "clip")
        self.downloading = threading.Lock()
        self.complete = False
        self.users = 0
        self.used = 0.0


class LocalClips:
    """Thread-safe. A remote clip is downloaded once, and kept for a while after its last segment here.

    Args:
        store: where the clips are.
        spool: folder for the copies (``None``: the system's).
    """

    def __init__(self, store: MediaStore, spool: Path | None = None) -> None:
        self._store = store
        self._spool = spool
        self._lock = threading.Lock()
        self._copies: dict[str, _Copy] = {}

    @contextmanager
    def opened(self, key: str) -> Iterator[Path]:
        """A file with the content of an object, which exists in the context: the object itself if it is one.

        Raises:
            FileNotFoundError: there is no such object.
            StorageFull: there is no room for a copy.
            JobsUnavailable: the store cannot be reached.
        """
        file = self._store.file_of(key)
        if file is not None:
            yield file
            return
        with self._lock:
            copy = self._copies.get(key)
            if copy is None:
                folder = tempfile.TemporaryDirectory(prefix="mien-job-", dir=self._spool, ignore_cleanup_errors=True)
                copy = self._copies[key] = _Copy(folder)
            copy.users += 1
        try:
            with copy.downloading:
                if not copy.complete:
                    self._store.download(key, copy.path)
                    copy.complete = True
            yield copy.path
        finally:
            with self._lock:
                copy.users -= 1
                copy.used = time.monotonic()
            self.remove_idle(keep=_IDLE)

    def remove_idle(self, keep: int = 0, unused_for: float = 0.0) -> None:
        """Delete copies that nothing reads, and has not for so many seconds, but for the newest ``keep``."""
        before = time.monotonic() - unused_for
        with self._lock:
            idle = [key for key, copy in self._copies.items() if not copy.users and copy.used <= before]
            idle.sort(key=lambda key: self._copies[key].used)
            removed = [self._copies.pop(key) for key in idle[: max(0, len(idle) - keep)]]
        for copy in removed:
            copy.folder.cleanup()
