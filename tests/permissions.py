"""Tests of file permissions, also where they run as root."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_UNPRIVILEGED = 65534


@contextmanager
def without_privileges() -> Iterator[None]:
    """As another user than root, for whom permissions do not count."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(_UNPRIVILEGED)
    try:
        yield
    finally:
        os.seteuid(before)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter and list, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
