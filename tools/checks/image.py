"""The Dockerfile copies only tracked files that .dockerignore lets through, and what it builds does not run as root.

Needs no Docker. The rest is hadolint's (`make lint`).
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tools.checks.tracked import tracked_files

PINNED = re.compile(r":\d[\w.-]*$|@sha256:[0-9a-f]{64}$")


def problems(root: Path) -> list[str]:
    instructions = parse((root / "Dockerfile").read_text(encoding="utf-8"))
    ignore = Ignore((root / ".dockerignore").read_text(encoding="utf-8"))
    sent = [name for name in tracked_files(root) if (root / name).is_file() and not ignore.matches(name)]
    found = []
    for keyword, arguments in instructions:
        if keyword not in {"COPY", "ADD"} or "--from=" in arguments:
            continue
        sources = [word.rstrip("/") for word in shlex.split(arguments) if not word.startswith("--")][:-1]
        found += [
            f"Dockerfile copies {source}: not a tracked file that .dockerignore lets through"
            for source in sources
            if not any(name == source or name.startswith(source + "/") for name in sent)
        ]
    names = dict(argument.partition("=")[::2] for keyword, argument in instructions if keyword == "ARG")
    bases = {
        re.sub(r"\$\{(\w+)\}", lambda name: names.get(name[1], ""), rest.split()[0])
        for keyword, rest in instructions
        if keyword == "FROM"
    }
    found += [f"the base image {base} needs a tag that names a version" for base in bases if not PINNED.search(base)]
    last = max(index for index, (keyword, _) in enumerate(instructions) if keyword == "FROM")
    final = dict(instructions[last:])
    if not re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", final.get("USER", "")):
        found.append("the final stage needs a USER that is a number and not 0")
    found += [f"the final stage has no {word}" for word in ("HEALTHCHECK", "EXPOSE", "STOPSIGNAL") if word not in final]
    return found


def parse(dockerfile: str) -> list[tuple[str, str]]:
    """(keyword, arguments) of every instruction, continued lines joined."""
    lines = [line for line in dockerfile.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    pairs = [line.strip().partition(" ") for line in joined.splitlines()]
    return [(keyword.upper(), arguments.strip()) for keyword, _, arguments in pairs]


class Ignore:
    """.dockerignore: the last pattern that matches a path or one of its folders decides."""

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines()]
        self._rules = [
            (not line.startswith("!"), _pattern(line.lstrip("!").strip("/")))
            for line in lines
            if line and not line.startswith("#")
        ]

    def matches(self, name: str) -> bool:
        ignored = False
        for ignores, pattern in self._rules:
            if pattern.fullmatch(name):
                ignored = ignores
        return ignored


def _pattern(glob: str) -> re.Pattern[str]:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return re.compile("".join(parts.get(piece, re.escape(piece)) for piece in pieces) + "(?:/.*)?")
