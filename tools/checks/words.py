"""No name or sentence in words that a reader of this field would neither use nor search for."""

from __future__ import annotations

import re
from pathlib import Path

from tools.checks.tracked import tracked_files

PLACES = ("service/", "docs/", "tests/", "tools/", "benchmarks/", "deploy/", "README.md", "CONTRIBUTING.md", "Makefile")
EXEMPT = ("tests/unit/training/", "tools/checks/words.py")  # as training/ itself is; and this list
WORDS = (
    *(r"foretell\w*", r"outliv\w*", "borne out", "hung up", "nobody", "whoever", "lest", "nets", "steadied", "council"),
    *("a worker each", "of which no", "of which so", "all is well", "the layers hold"),
    *("WorkGate", "DecodeTurns", "PumpResponse", "OwnedFile", "StalledReader", "UploadStalled", "CallerGone", "RowLog"),
    *("check_caller", "hung_up", "first_sight", "mirrored_back"),
)
PATTERN = re.compile(rf"\b(?:{'|'.join(WORDS)})\b".replace(" ", r"\s+"), re.IGNORECASE)


def problems(root: Path) -> list[str]:
    found = []
    for name in tracked_files(root):
        if not name.startswith(PLACES) or name.startswith(EXEMPT):
            continue
        try:
            text = (root / name).read_text(encoding="utf-8")
        except (FileNotFoundError, UnicodeDecodeError):
            continue
        for match in PATTERN.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{name}:{line}: {' '.join(match[0].split())}")
    return found
