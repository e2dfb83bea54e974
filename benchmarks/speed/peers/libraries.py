"""Pictures per second of Mien's Python API and of other libraries, in turn over the same files.

    python -m benchmarks.speed.peers.libraries [--rounds 5] [--results FILE]

Each library is loaded in a process of its own environment, on one core, and gets the files as bytes: decoding is
counted, loading is not. Seconds are of processor time: on an idle machine those on the clock, which the last column of
the ratios has, on a busy one less disturbed. In each round every library analyses every set of pictures, one library
after the other. The photographs are split among the rounds. Ratios are taken within a round; a cell holds the median
and, in brackets, the lowest and highest.
"""

import argparse
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from benchmarks.speed.peers.contenders import OURS, PEERS, Contender, Measured, Process
from benchmarks.speed.peers.programs import Unavailable
from benchmarks.speed.peers.table import markdown, ratio, spread
from benchmarks.speed.pictures import mixed, pictures

SECONDS = 0.4  # at least, per library, round and set of pictures
WARM_UP = 3  # pictures


@dataclass(frozen=True)
class PictureSet:
    """Files to analyse: ``rounds`` share them if they are many, and each takes all of them if they are few."""

    name: str
    files: list[Path]
    rounds: int

    def of(self, round_: int) -> list[Path]:
        """The files of a round, counted from 0."""
        return self.files[round_ :: self.rounds] if self.shared else self.files

    @property
    def shared(self) -> bool:
        return len(self.files) >= self.rounds

    def faces(self, measured: list["Measured"]) -> int:
        """Found in all files."""
        return sum(one.faces for one in measured) if self.shared else measured[0].faces


Results = dict[str, dict[str, list[Measured]]]
"""What each library (by title) measured on each set (by name), round by round."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and, if asked, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="its data/faces holds the photographs")
    parser.add_argument("--results", type=Path, help="a JSON file for benchmarks.speed.peers.chart")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        sets = files_of(Path(folder), chosen.shared, chosen.rounds)
        results, missing = run(sets, Path(folder))
    print("Pictures per second of one core; faces found.\n")
    print(rates(results, sets))
    print("\nMien's pictures per second over theirs.\n")
    print(ratios(results, sets))
    for contender, reason in missing.items():
        print(f"\nNot measured: {contender.title}. {reason}")
    if chosen.results:
        libraries = {title: _summary(measured, sets) for title, measured in results.items()}
        chosen.results.write_text(json.dumps(libraries, indent=1), encoding="utf-8")


def files_of(folder: Path, shared: Path, rounds: int) -> list[PictureSet]:
    """All sets, written into ``folder``."""
    photographs = list(_written(folder, "photograph", mixed(shared / "data")))
    made = [PictureSet(one.name, list(_written(folder, one.name, [one.data])), rounds) for one in pictures()]
    if not photographs:
        print(f"No photographs: {shared / 'data' / 'faces'} is not here.")
        return made
    return [PictureSet(f"{len(photographs)} photographs", photographs, rounds), *made]


def run(sets: list[PictureSet], logs: Path) -> tuple[Results, dict[Contender, str]]:
    """Measure every library that is here; what is not, and why."""
    results: Results = {}
    missing: dict[Contender, str] = {}
    with ExitStack() as opened:
        running: dict[Contender, Process] = {}
        for number, contender in enumerate((*OURS, *PEERS)):
            try:
                process = opened.enter_context(Process(contender, logs / f"{number}.log"))
                process.measure(sets[0].of(0)[:WARM_UP], 0.0)
            except Unavailable as reason:
                missing[contender] = str(reason)
                continue
            running[contender] = process
            results[contender.title] = {one.name: [] for one in sets}
        for round_, pictures_, contender in product(range(sets[0].rounds), sets, list(running)):
            if contender in missing:
                continue
            try:
                measured = running[contender].measure(pictures_.of(round_), SECONDS)
            except Unavailable as reason:
                missing[contender] = str(reason)
                del results[contender.title]
                continue
            results[contender.title][pictures_.name].append(measured)
    return results, missing


def rates(results: Results, sets: list[PictureSet]) -> str:
    """A row per library, a column per set."""

    def cells(measured: dict[str, list[Measured]]) -> Iterator[str]:
        for one in sets:
            yield f"{spread([run.rate for run in measured[one.name]])}; {one.faces(measured[one.name])}"

    return markdown(["", *(one.name for one in sets)], [[title, *cells(found)] for title, found in results.items()])


def ratios(results: Results, sets: list[PictureSet]) -> str:
    """A row per mode and peer, a column per set, and on the first set the ratio on the clock."""

    def cells(own: dict[str, list[Measured]], theirs: dict[str, list[Measured]]) -> Iterator[str]:
        for one in sets:
            yield ratio([run.rate for run in own[one.name]], [run.rate for run in theirs[one.name]])
        first = sets[0].name
        yield ratio([run.clock_rate for run in own[first]], [run.clock_rate for run in theirs[first]])

    rows = [
        [f"{own.title}, over {peer.title}", *cells(results[own.title], results[peer.title])]
        for peer in PEERS
        for own in OURS
        if peer.title in results
    ]
    return markdown(["", *(one.name for one in sets), f"{sets[0].name}, on the clock"], rows)


def _summary(measured: dict[str, list[Measured]], sets: list[PictureSet]) -> dict[str, object]:
    return {
        one.name: {"rates": [run.rate for run in measured[one.name]], "faces": one.faces(measured[one.name])}
        for one in sets
    }


def _written(folder: Path, name: str, contents: Iterable[bytes]) -> Iterator[Path]:
    for number, content in enumerate(contents):
        path = folder / f"{name}-{number}.jpg"
        path.write_bytes(content)
        yield path


if __name__ == "__main__":
    main()
