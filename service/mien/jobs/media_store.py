"""The object store of uploads, segments and results: a folder on this machine, or S3 and its like."""

import logging
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, cast

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from mien.errors import JobsUnavailable, StorageFull

_LOGGER = logging.getLogger("mien.jobs")
_NO_ROOM = re.compile(r"StorageFull|QuotaExceeded|FileTooLarge|\(os error (?:28|122|27)\)|XMinioStorageFull")
_STAGED = "*#*"  # names that obstore gives files that it is still writing


class MediaStore:
    """Objects by key, such as ``jobs/<id>/result``. Writing is atomic: an object is there as a whole or not at all.

    Every method raises ``JobsUnavailable`` if the store cannot be reached. Nothing is created before the first use.

    Args:
        url: ``s3://bucket/prefix`` (any scheme of obstore's), or the path of a folder.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._folder = None if "://" in url else Path(url).expanduser()

    @cached_property
    def _store(self) -> ObjectStore:
        with _store_errors():
            if self._folder is not None:
                return LocalStore(self._folder, mkdir=True)
            return from_url(self._url)

    def put(self, key: str, content: bytes | Path | Iterable[bytes]) -> None:
        """Write an object, replacing it if there is one.

        Raises:
            StorageFull: there is no room; nothing is left of it.
        """
        with _store_errors():
            obstore.put(self._store, key, content)

    def get(self, key: str) -> bytes:
        """A whole object.

        Raises:
            FileNotFoundError: there is none.
        """
        with _store_errors():
            return bytes(obstore.get(self._store, key).bytes())

    def has(self, key: str) -> bool:
        """Whether there is such an object."""
        try:
            with _store_errors():
                obstore.head(self._store, key)
        except FileNotFoundError:
            return False
        return True

    def pieces(self, key: str) -> Iterator[bytes]:
        """An object in pieces.

        Raises:
            FileNotFoundError: there is none.
        """
        with _store_errors():
            for piece in obstore.get(self._store, key).stream(1 << 20):
                yield bytes(piece)

    @contextmanager
    def opened(self, key: str) -> Iterator[BinaryIO]:
        """An object as a file to read.

        Raises:
            FileNotFoundError: there is none.
        """
        with _store_errors():
            reader = obstore.open_reader(self._store, key)
        try:
            yield cast("BinaryIO", reader)
        finally:
            reader.close()

    def file_of(self, key: str) -> Path | None:
        """The object itself, if it is a file of this machine."""
        return None if self._folder is None else self._folder / key

    def download(self, key: str, target: Path) -> None:
        """Write an object into a file.

        Raises:
            FileNotFoundError: there is none.
            StorageFull: there is no room for it.
        """
        pieces = self.pieces(key)
        with _store_errors(), target.open("wb") as file:
            for piece in pieces:
                file.write(piece)

    def keys(self, prefix: str, unchanged_for: timedelta = timedelta()) -> list[str]:
        """The keys that begin with ``prefix``, as far as they have been there for so long."""
        before = datetime.now(UTC) - unchanged_for
        with _store_errors():
            batches = obstore.list(self._store, prefix)
            return [found["path"] for batch in batches for found in batch if found["last_modified"] <= before]

    def remove(self, *keys: str) -> None:
        """Delete objects, as far as they exist."""
        for key in keys:
            with suppress(FileNotFoundError), _store_errors():
                obstore.delete(self._store, key)

    def remove_all(self, prefix: str) -> None:
        """Delete everything whose key begins with ``prefix``, which ends with a slash."""
        self.remove(*self.keys(prefix))
        if self._folder is not None:
            shutil.rmtree(self._folder / prefix, ignore_errors=True)

    def remove_unfinished(self, unchanged_for: timedelta) -> int:
        """Delete what killed processes left half-written; returns how much. S3 has lifecycle rules for that."""
        removed = 0
        if self._folder is not None and self._folder.is_dir():
            for path in self._folder.rglob(_STAGED):
                with suppress(OSError):
                    if time.time() - path.stat().st_mtime >= unchanged_for.total_seconds():
                        path.unlink()
                        removed += 1
        return removed


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        if _NO_ROOM.search(str(error)):
            raise StorageFull("The object store has no room left; try again later, or send a smaller clip.") from error
        _LOGGER.warning("the object store cannot be used", extra={"fields": {"reason": reason}})
        raise JobsUnavailable("The object store of jobs cannot be used; try again in a moment.") from error
