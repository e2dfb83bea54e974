"""How many faces are found in made video calls of 9 to 49 people at 1080p, and in group photographs of ../shared/cases.

    python -m benchmarks.search.calls [--pictures 3] [--cases ../shared/cases]

A cell is the faces found of those there, and the boxes on no face. The group photographs have no boxes: their cells
are the faces reported.
"""

from pathlib import Path

import cv2
import numpy as np

from benchmarks.search.finders import arguments_of, count, opened, ours, peers
from benchmarks.search.scenes import call, heads_of

SIZES = (9, 16, 25, 36, 49)
CASES = {"graduation.jpg": 50, "gallery6.jpg": 36, "gallery7.jpg": 49, "band_6000x4000_135px.jpg": 48}


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("--pictures", type=int, default=3)
    parser.add_argument("--cases", type=Path, default=Path("../shared/cases"))
    arguments = parser.parse_args()
    heads = heads_of(arguments.data)
    with opened(arguments.store) as engine:
        finders = [*ours(engine, arguments.detectors), *peers()]
        print(f"{'picture':>26} {'faces':>6} " + " ".join(f"{finder.name:>12}" for finder in finders))
        totals = np.zeros((len(finders), 2), int)
        for people in SIZES:
            scenes = [call(heads, people, np.random.default_rng([people, n])) for n in range(arguments.pictures)]
            cells = np.asarray([[count(f.find(s.picture), s.faces) for s in scenes] for f in finders]).sum(axis=1)
            totals += cells
            print_row(f"call of {people}", people * len(scenes), cells)
        print_row("all calls", sum(SIZES) * arguments.pictures, totals)
        for name, people in CASES.items():
            if (path := arguments.cases / name).exists():
                picture = np.asarray(cv2.imread(str(path)), np.uint8)
                print_row(name, people, np.asarray([[len(finder.find(picture)), 0] for finder in finders]))


def print_row(name: str, faces: int, cells: np.ndarray) -> None:
    print(f"{name:>26} {faces:>6} " + " ".join(f"{f'{hits} +{others}':>12}" for hits, others in cells))


if __name__ == "__main__":
    main()
