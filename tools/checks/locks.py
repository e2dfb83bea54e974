"""requirements/*.txt: every line pinned and hashed, no index address, and in step with pyproject.toml."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.lock import read_inputs

HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")
PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.!+]+)(?: ; [^\\]+)?(?: \\)?")
# A comment names packages and files of this repository. Whatever holds an address or a path from elsewhere does not
# fit, and neither does an option line that names an index: the shape alone keeps them out.
COMMENT = re.compile(r" *#[\w ./\[\]():-]*")
ADDRESS = re.compile(r"//|(?:^|[\s:])/")


def problems(root: Path) -> list[str]:
    found: list[str] = []
    locked = {path.stem: _read(path, found) for path in sorted((root / "requirements").glob("*.txt"))}
    for name, wanted in read_inputs(root).items():
        if name not in locked:
            found.append(f"requirements/{name}.txt is missing; run `make lock`")
            continue
        for line in wanted:
            requirement = Requirement(line)
            pin = locked[name].get(canonicalize_name(requirement.name))
            if pin is None or not requirement.specifier.contains(pin, prereleases=True):
                found.append(f"requirements/{name}.txt: {pin or 'no pin'} for '{line}' of pyproject; run `make lock`")
    base = locked.get("base", {})
    for name in ("test", "train"):
        for package, pin in base.items():
            if locked.get(name, {}).get(package, pin) != pin:
                found.append(f"requirements/{name}.txt pins another {package} than base.txt; run `make lock`")
    return found


def _read(path: Path, found: list[str]) -> dict[str, str]:
    """Package -> pinned version; lines of any other shape are reported."""
    pins: dict[str, str] = {}
    hashed = True
    for number, line in enumerate([*path.read_text(encoding="utf-8").splitlines(), ""], start=1):
        where = f"requirements/{path.name}:{number}"
        if HASH.fullmatch(line):
            hashed = True
            continue
        if pin := PIN.fullmatch(line):
            package = canonicalize_name(pin[1])
            if not hashed:
                found.append(f"{where}: the package before it has no hash")
            if package in pins:
                found.append(f"{where}: {package} is pinned twice")
            pins[package] = pin[2]
            hashed = False
        elif line and (ADDRESS.search(line) or not COMMENT.fullmatch(line)):
            found.append(f"{where}: neither a pin, a hash nor a plain comment: {line.strip()}")
    if not hashed:
        found.append(f"requirements/{path.name}: the last package has no hash")
    return pins
