"""One row per measured claim: the median of some rounds with their spread, and what is asked for."""

import argparse
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HEAD = "| what | median | spread | at least | aim | met |\n|---|---|---|---|---|---|"


@dataclass(frozen=True)
class Asked:
    """The bound that must be kept and the one that is aimed at; both are upper bounds unless ``more`` is better."""

    bound: float
    aim: float
    more: bool = False

    def met(self, value: float, bound: float) -> bool:
        return value >= bound if self.more else value <= bound


@dataclass(frozen=True)
class Row:
    """What was measured, a value per round, its unit, and what is asked for."""

    name: str
    values: Sequence[float]
    unit: str = ""
    asked: Asked | None = None
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        shown = f"{self.median:.3g} {self.unit}".strip() + (f" ({self.note})" if self.note else "")
        spread = f"{min(self.values):.3g} to {max(self.values):.3g}" if len(self.values) > 1 else ""
        if self.asked is None:
            return f"| {self.name} | {shown} | {spread} | | | |"
        asked = self.asked
        met = "aim" if asked.met(self.median, asked.aim) else "yes" if asked.met(self.median, asked.bound) else "NO"
        return f"| {self.name} | {shown} | {spread} | {asked.bound:g} | {asked.aim:g} | {met} |"


@dataclass(frozen=True)
class Options:
    """How long to measure, and what else to measure with."""

    rounds: int
    seconds: float
    old: Path | None
    long: bool
    shared: Path


Rows = Callable[[Options], Iterator[Row]]


def run(doc: str | None, *programs: Rows) -> None:
    """Print the rows of ``programs`` as they come, with the options of the command line."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement in a round")
    parser.add_argument("--old", type=Path, help="a checkout whose service is measured in the same rounds")
    parser.add_argument("--long", action="store_true", help="memory after 20,000 pictures, too: ten minutes more")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="for photographs and clips")
    given = parser.parse_args()
    print(HEAD, flush=True)
    for program in programs:
        for row in program(Options(given.rounds, given.seconds, given.old, given.long, given.shared)):
            print(row, flush=True)
