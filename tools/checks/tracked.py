"""The files of a clean clone."""

from __future__ import annotations

import subprocess
from pathlib import Path


def tracked_files(root: Path) -> list[str]:
    """Paths in git's index, relative to ``root``, with slashes."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name]
