"""The keys of a running service: those of its settings, and those of a file that is read again when it changes."""

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from mien.access.key_file import read_keys
from mien.access.keys import Key, KeyUse, digest, id_of
from mien.errors import InvalidOption

_LOGGER = logging.getLogger("mien")

SIMPLE_ID = "simple"
"""The id of keys that are in no file."""


class KeyRing:
    """Finds the key of a token. ``refresh`` may be called in another thread.

    Args:
        simple: tokens that open everything, without limits or expiry (``MIEN_API_KEYS``).
        path: a file of keys (``MIEN_KEYS_FILE``).

    Raises:
        InvalidOption: the file cannot be read.
    """

    def __init__(self, simple: tuple[str, ...] = (), path: Path | None = None) -> None:
        now = datetime.now(UTC)
        self._simple = tuple(
            Key(SIMPLE_ID, SIMPLE_ID, digest(token.encode()), now, uses=tuple(KeyUse)) for token in simple
        )
        self._path = path
        self._signature: tuple[int, ...] | None = None
        self._keys: Mapping[str, Key] = {}
        if path is not None:
            self._signature = _signature(path)
            self._keys = {key.id: key for key in read_keys(path)}

    @property
    def required(self) -> bool:
        """Whether requests need a key; also while the file holds none."""
        return bool(self._simple) or self._path is not None

    def refresh(self) -> None:
        """Read the file again if it has changed. One that cannot be read leaves the keys as they were."""
        if self._path is None or (signature := _signature(self._path)) == self._signature:
            return
        self._signature = signature
        try:
            self._keys = {key.id: key for key in read_keys(self._path)}
        except InvalidOption as error:
            _LOGGER.error("the keys stay as they were: %s", error)
        else:
            _LOGGER.info("keys read again", extra={"fields": {"keys": len(self._keys)}})

    def find(self, given: str) -> Key | None:
        """The key that a caller gives, in constant time; also one that has expired or was revoked."""
        found = [key for token in _readings(given) for key in self._candidates(token) if key.matches(token)]
        return found[0] if found else None

    def current(self, key: Key) -> Key | None:
        """What became of a key that was found before; ``None`` if it is no longer in the file."""
        return key if key.id == SIMPLE_ID else self._keys.get(key.id)

    def _candidates(self, token: bytes) -> Iterator[Key]:
        yield from self._simple
        name = id_of(token)
        if name is not None and (key := self._keys.get(name)) is not None:
            yield key


def _readings(given: str) -> tuple[bytes, ...]:
    """The server decodes headers as Latin-1, but clients may encode them as UTF-8: either reading may match."""
    text = given.encode(errors="surrogatepass")
    try:
        return tuple({text, given.encode("latin-1")})
    except UnicodeEncodeError:
        return (text,)  # it came in a message, and not in a header


def _signature(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
