"""Whether a face of any size is found in a picture of any size.

    python -m benchmarks.search.posters [--full]

Posters of 4:3 with a long side of 1,000 to 4,000 px (``--full``: 16,000), with faces from 1/200 to 1/5 of the long side
in steps of 40 % (10 %), 24 or more of each size. A row per poster's size: the worst of the face sizes.
"""

from collections.abc import Iterator

import numpy as np

from benchmarks.search.finders import MIN_FACE, Finder, count, ours
from benchmarks.search.scenes import crowd, heads_of
from benchmarks.search.table import Bench, Row, run
from mien.domain import DetectorMode
from tests.group import Head

FACES = 24
LEAST = 0.95
SMALLEST, LARGEST = 1 / 200, 1 / 5  # of the long side


def rows(bench: Bench) -> Iterator[Row]:
    heads, finder = heads_of(bench.data), ours(bench.engine, DetectorMode.ACCURATE)
    step = 1.1 if bench.full else 1.4
    steps = int(np.ceil(np.log(LARGEST / SMALLEST) / np.log(step) - 1e-9)) + 1
    shares = np.minimum(SMALLEST * step ** np.arange(steps), LARGEST)
    for side in (1000, 2000, 4000, 8000, 16000) if bench.full else (1000, 2000, 4000):
        # With jitter, and narrow faces, smaller ones would fall below what is reported.
        sizes = [float(share) * side for share in shares if share * side >= MIN_FACE * 1.25]
        cells = {size: found(finder, heads, side, size) for size in sizes}
        worst = min(cells, key=lambda size: cells[size][0] / cells[size][1])
        hits, faces, others = np.asarray(list(cells.values())).sum(axis=0)
        share = cells[worst][0] / cells[worst][1]
        yield Row(
            f"posters of {side:,} px, `accurate`: worst of {len(sizes)} face sizes",
            f"{100 * share:.0f} % (of {worst:.0f} px); all sizes {100 * hits / faces:.1f} %, {others} boxes on no face",
            f"{100 * LEAST:.0f} %",
            share >= LEAST,
        )


def found(finder: Finder, heads: list[Head], side: int, size: float) -> tuple[int, int, int]:
    """Faces found, faces there, and boxes on no face, in as many posters as it takes for ``FACES`` faces."""
    hits = there = others = seed = 0
    while there < FACES:
        rng = np.random.default_rng([side, round(100 * size), seed])
        scene = crowd(heads, (side, side * 3 // 4), size, FACES, rng)
        one, more = count(finder.find(scene.picture), scene.faces)
        hits, there, others, seed = hits + one, there + len(scene.faces), others + more, seed + 1
    return hits, there, others


if __name__ == "__main__":
    run(__doc__, rows)
