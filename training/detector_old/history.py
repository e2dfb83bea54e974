"""The words of a card that no log can tell: `history.md` says how the newest edition came about."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_suffix(".md")


class History(NamedTuple):
    """`trained_on`: data and runs, with `{iterations}` left open; `made_by`: how exact the commands are."""

    trained_on: str
    made_by: str


def read(run: str, path: Path = FILE) -> History:
    """What the file says of `run`, whose name is its first line; ends the program where it tells of another."""
    name, _, text = path.read_text(encoding="utf-8").partition("\n")
    if name.strip() != run:
        raise SystemExit(f"{path.name} tells of {name.strip()}; before the card, write there how {run} was made")
    trained_on, _, made_by = text.partition("\n---\n")
    return History(trained_on.strip(), made_by.strip())
