"""Pictures per second of Mien's Python API and of other libraries, in turn over the same files.

    python -m benchmarks.speed.peers.libraries [--cores 1] [--rounds 5] [--results FILE]

Each library is loaded in a process of its own environment, which may use ``--cores`` cores, and gets the files as
bytes: decoding is counted, loading is not. In each round every library analyses every set of pictures, one library
after the other, so that what else the machine does meets all of them. The photographs are split among the rounds.
Ratios are taken within a round; a cell holds their median and, in brackets, the lowest and highest.
"""

import argparse
import json
import os
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
    parser.add_argument("--cores", type=int, default=1, help="of each library's process")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="its data/faces holds the photographs")
    parser.add_argument("--results", type=Path, help="a JSON file for benchmarks.speed.peers.chart")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        sets = files_of(Path(folder), chosen.shared, chosen.rounds)
        results, missing = run(sets, chosen.cores, Path(folder))
    print(f"Pictures per second; faces found. {chosen.cores} of {os.cpu_count()} cores each.\n")
    print(rates(results, sets))
    print("\nMien's pictures per second over theirs.\n")
    print(ratios(results, sets))
    for contender, reason in missing.items():
        print(f"\nNot measured: {contender.title}. {reason}")
    if chosen.results:
        libraries = {title: _summary(measured, sets) for title, measured in results.items()}
        content = json.dumps({"cores": chosen.cores, "libraries": libraries}, indent=1)
        chosen.results.write_text(content, encoding="utf-8")


def files_of(folder: Path, shared: Path, rounds: int) -> list[PictureSet]:
    """All sets, written into ``folder``."""
    photographs = list(_written(folder, "photograph", mixed(shared / "data")))
    made = [PictureSet(one.name, list(_written(folder, one.name, [one.data])), rounds) for one in pictures()]
    if not photographs:
        print(f"No photographs: {shared / 'data' / 'faces'} is not here.")
        return made
    return [PictureSet(f"{len(photographs)} photographs", photographs, rounds), *made]


def run(sets: list[PictureSet], cores: int, logs: Path) -> tuple[Results, dict[Contender, str]]:
    """Measure every library that is here; what is not, and why."""
    results: Results = {}
    missing: dict[Contender, str] = {}
    with ExitStack() as opened:
        running: dict[Contender, Process] = {}
        for number, contender in enumerate((*OURS, *PEERS)):
            try:
                process = opened.enter_context(Process(contender, cores, logs / f"{number}.log"))
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
    """A row per mode and peer, a column per set, and the ratio of processor time on the first set."""

    def cells(own: dict[str, list[Measured]], theirs: dict[str, list[Measured]]) -> Iterator[str]:
        for one in sets:
            yield ratio([run.rate for run in own[one.name]], [run.rate for run in theirs[one.name]])
        first = sets[0].name
        yield ratio([run.cpu_ms for run in theirs[first]], [run.cpu_ms for run in own[first]])

    rows = [
        [f"{own.title}, over {peer.title}", *cells(results[own.title], results[peer.title])]
        for peer in PEERS
        for own in OURS
        if peer.title in results
    ]
    return markdown(["", *(one.name for one in sets), f"processor time, {sets[0].name}"], rows)


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
