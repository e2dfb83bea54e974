"""One row per measured claim: what is measured, our figures, what is asked for, and the peer's figures."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mien.engine.local import EngineConfig, LocalEngine, open_engine
from mien.errors import ModelError


@dataclass(frozen=True, slots=True)
class Row:
    """``met`` is ``None`` where nothing is asked for, or where it could not be measured."""

    name: str
    ours: str
    asked: str = ""
    met: bool | None = None
    peer: str = ""

    def __str__(self) -> str:
        verdict = {None: "", True: "yes", False: "NO"}[self.met]
        return f"| {self.name} | {self.ours} | {self.asked} | {verdict} | {self.peer} |"


HEAD = "| what | ours | asked for | met | YuNet-n |\n|---|---|---|---|---|"


@dataclass(frozen=True, slots=True)
class Bench:
    """What every program needs. ``full`` measures as many pictures and sizes as the table in docs/benchmarks.md."""

    engine: LocalEngine
    store: Path
    shared: Path
    full: bool
    old: Path | None

    @property
    def data(self) -> Path:
        return self.shared / "data"

    def some(self, count: int) -> int:
        """Of ``count`` pictures, as many as are to be measured."""
        return count if self.full else max(1, count // 5)


Rows = Callable[[Bench], Iterator[Row]]


@contextmanager
def opened(doc: str | None) -> Iterator[Bench]:
    """The command line's options, and an engine with one worker."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=Path("model_store"))
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--full", action="store_true", help="every picture and size: about an hour on an idle machine")
    parser.add_argument("--old", type=Path, help="a checkout whose default the CPU time is compared with")
    arguments = parser.parse_args()
    try:
        engine = open_engine(EngineConfig(arguments.store, 1))
    except ModelError as error:
        parser.exit(2, f"{error}\n")
    try:
        yield Bench(engine, arguments.store, arguments.shared, arguments.full, arguments.old)
    finally:
        engine.close()


def run(doc: str | None, *programs: Rows) -> None:
    """Print the rows of ``programs`` as they come."""
    with opened(doc) as bench:
        print(HEAD, flush=True)
        for program in programs:
            for row in program(bench):
                print(row, flush=True)
