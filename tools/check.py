"""Check the locks, the image's recipe and the deployment manifests. `make check` runs it: no network, no Docker."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tools.checks import compose, image, kubernetes, locks, paths

CHECKS: dict[str, Callable[[Path], list[str]]] = {
    "locks": locks.problems,
    "paths": paths.problems,
    "image": image.problems,
    "compose": compose.problems,
    "kubernetes": kubernetes.problems,
}


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    found = {name: check(root) for name, check in CHECKS.items()}
    for name, problems in found.items():
        for problem in problems:
            print(f"{name}: {problem}", file=sys.stderr)
    count = sum(len(problems) for problems in found.values())
    print(f"{', '.join(CHECKS)}: {f'{count} problem(s)' if count else 'OK'}")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
