"""Whether a face of any size is found in a picture of any size.

    python -m benchmarks.search.posters [--sides 1000 2000 4000 8000 16000] [--shares 200 5]

Posters of 4:3, with faces from 1/200 to 1/5 of the long side in steps of 10 %, 24 or more of each size. Prints the
share found of each cell (row: size of the face, column: long side of the poster) and the worst.
"""

import numpy as np

from benchmarks.search.finders import MIN_FACE, arguments_of, count, opened, ours
from benchmarks.search.scenes import crowd, heads_of
from mien.domain import DetectorMode

FACES = 24
STEP = 1.1


def main() -> None:
    parser = arguments_of(__doc__)
    parser.set_defaults(detectors=[DetectorMode.ACCURATE])
    parser.add_argument("--sides", type=int, nargs="+", default=[1000, 2000, 4000, 8000, 16000])
    parser.add_argument("--shares", type=float, nargs=2, default=[200, 5], help="of the long side, from 1/A to 1/B")
    parser.add_argument("--step", type=float, default=STEP)
    arguments = parser.parse_args()
    heads = heads_of(arguments.data)
    smallest, largest = (1 / share for share in arguments.shares)
    steps = int(np.ceil(np.log(largest / smallest) / np.log(arguments.step) - 1e-9)) + 1
    shares = np.minimum(smallest * arguments.step ** np.arange(steps), largest)
    with opened(arguments.store) as engine:
        for finder in ours(engine, arguments.detectors):
            print(f"{finder.name}\n{'1/share':>8} " + " ".join(f"{side:>9}" for side in arguments.sides))
            worst, others, faces, hits = 1.0, 0, 0, 0
            for number, share in enumerate(shares):
                cells = []
                for side in arguments.sides:
                    if share * side < MIN_FACE * 1.25:  # jitter and narrow faces would fall below what is reported
                        cells.append(np.nan)
                        continue
                    found = there = 0
                    for seed in range(FACES):
                        rng = np.random.default_rng([number, seed])
                        scene = crowd(heads, (side, side * 3 // 4), share * side, FACES, rng)
                        one, more = count(finder.find(scene.picture), scene.faces)
                        found, there, others = found + one, there + len(scene.faces), others + more
                        if there >= FACES:
                            break
                    cells.append(found / there)
                    hits, faces = hits + found, faces + there
                worst = float(np.nanmin([worst, *cells]))
                print(
                    f"{1 / share:8.1f} "
                    + " ".join("        -" if np.isnan(cell) else f"{100 * cell:8.0f}%" for cell in cells),
                    flush=True,
                )
            print(f"worst cell {100 * worst:.0f} %, all faces {100 * hits / faces:.1f} %, boxes on no face {others}")


if __name__ == "__main__":
    main()
