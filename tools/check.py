"""Check the locks, the Dockerfile and every tracked file. `make check` runs it: no network, no Docker."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tools.checks import image, locks, paths, words

CHECKS: dict[str, Callable[[Path], list[str]]] = {
    "locks": locks.problems,
    "paths": paths.problems,
    "image": image.problems,
    "words": words.problems,
}


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    problems = [f"{name}: {problem}" for name, check in CHECKS.items() for problem in check(root)]
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{', '.join(CHECKS)}: {f'{len(problems)} problem(s)' if problems else 'OK'}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
