"""requirements/*.txt: in step with pyproject.toml and one another, and without an address. pip checks the hashes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([\w.!+]+)", re.MULTILINE)
# An option, a URL, or a path outside the repository: what names a package index, or installs from elsewhere.
ADDRESS = re.compile(r"^-.*|^.*//.*|^(?:.*[\s:])?/.*", re.MULTILINE)
UNLOCKED = "torch"  # see Makefile, lock


def problems(root: Path) -> list[str]:
    pyproject = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    base: list[str] = pyproject["project"]["dependencies"]
    extras: dict[str, list[str]] = pyproject["project"]["optional-dependencies"]
    required = {"base": base, "build": pyproject["build-system"]["requires"]}
    required |= {name: base + extras[name] for name in ("test", "train")}
    found: list[str] = []
    pins: dict[str, dict[str, str]] = {}
    for name in required:
        text = (root / f"requirements/{name}.txt").read_text(encoding="utf-8")
        found += [
            f"requirements/{name}.txt holds an address or an option: {line[0]}" for line in ADDRESS.finditer(text)
        ]
        pins[name] = {canonicalize_name(package): version for package, version in PIN.findall(text)}
    for name, lines in required.items():
        where = f"requirements/{name}.txt"
        if UNLOCKED in pins[name]:
            found.append(f"{where} pins {UNLOCKED}, which is installed by name")
        for requirement in map(Requirement, lines):
            pin = pins[name].get(canonicalize_name(requirement.name))
            if requirement.name != UNLOCKED and (pin is None or not requirement.specifier.contains(pin, True)):
                found.append(f"{where}: {pin or 'no pin'} for '{requirement}' of pyproject.toml; run `make lock`")
        for package in pins["base"].keys() & pins[name].keys():
            if pins[name][package] != pins["base"][package]:
                found.append(f"{where} pins another {package} than base.txt; run `make lock`")
    return found
