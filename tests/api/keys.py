"""A file of keys for the tests."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mien.access.key_file import read_keys, write_keys
from mien.access.keys import Key, digest, new_token

NOW = datetime.now(UTC)


class Keys:
    """A file of keys, and the tokens of those made here."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tokens: dict[str, str] = {}
        write_keys(path, ())

    def add(self, name: str, **more: Any) -> dict[str, str]:
        """The headers of a request with a new key."""
        identifier, token = new_token()
        key = Key(identifier, name, digest(token.encode()), NOW, **more)
        write_keys(self.path, (*read_keys(self.path), key))
        self.tokens[name] = token
        return {"X-API-Key": token}
