"""Remake requirements/*.txt from pyproject.toml, with hashes. `make lock` runs it; UPGRADE=1 takes newer releases.

One resolution serves every platform and every Python from 3.11 (`--universal`, one version of each package), so that a
laptop, CI and the image run the same releases. The resolver is told nothing of this machine's package indexes, and so
cannot write one down.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = Path("requirements")  # relative: the resolver writes the paths that it is given into its comments

# torch is installed by name beside train.txt (Makefile, setup-train): its builds differ in size by gigabytes and in
# dependencies by a dozen CUDA packages, and which one is right depends on the machine. One hash cannot stand for them.
UNLOCKED = frozenset({"torch"})


def read_inputs(root: Path) -> dict[str, list[str]]:
    """Lock name -> the requirements that it locks. Every lock but `build` holds the service's own."""
    pyproject = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    base: list[str] = pyproject["project"]["dependencies"]
    extras: dict[str, list[str]] = pyproject["project"]["optional-dependencies"]
    train = [line for line in extras["train"] if canonicalize_name(Requirement(line).name) not in UNLOCKED]
    return {
        "base": base,
        "build": pyproject["build-system"]["requires"],
        "test": base + extras["test"],
        "train": base + train,
    }


def lock(name: str, lines: list[str], *, upgrade: bool) -> None:
    command = [sys.executable, "-m", "uv", "pip", "compile", "-", "--quiet", "--no-config", "--universal"]
    command += ["--python-version", "3.11", "--fork-strategy", "fewest", "--generate-hashes"]
    command += ["--custom-compile-command", "make lock", "--output-file", str(REQUIREMENTS / f"{name}.txt")]
    command += ["--no-emit-index-url", "--no-emit-find-links"]
    if name != "base":  # one environment holds them beside each other; the tests run what the service runs
        command += ["--constraints", str(REQUIREMENTS / "base.txt")]
    if upgrade:
        command += ["--upgrade"]
    subprocess.run(command, input="\n".join(lines), text=True, check=True, cwd=ROOT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--upgrade", action="store_true", help="take newer releases instead of keeping the locked ones")
    upgrade = parser.parse_args().upgrade
    for name, lines in read_inputs(ROOT).items():
        lock(name, lines, upgrade=upgrade)


if __name__ == "__main__":
    main()
