"""No tracked file contains a path of the machine that it was written on."""

from __future__ import annotations

import re
from pathlib import Path

from tools.checks.tracked import tracked_files

# The folders of checkouts, of root and of local wheels on the machines where Mien is developed.
MACHINE_PATH = re.compile(rb"(?<![\w.~-])/(?:work/|root/|opt/wheels|opt/pypi)\S{0,60}")


def problems(root: Path) -> list[str]:
    found = []
    for name in tracked_files(root):
        path = root / name
        if not path.is_file():
            continue
        content = path.read_bytes()
        if b"\0" in content[:8192]:
            continue
        for number, line in enumerate(content.splitlines(), start=1):
            if match := MACHINE_PATH.search(line):
                found.append(f"{name}:{number}: a path of one machine: {match[0].decode(errors='replace')}")
    return found
