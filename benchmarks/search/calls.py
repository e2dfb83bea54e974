"""How many faces are found in made video calls of 9 to 49 people at 1080p, and in group photographs of ../shared/cases.

    python -m benchmarks.search.calls

A cell is the faces found of those there, and the boxes on no face. The group photographs have no boxes: their cells
are the faces reported.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from benchmarks.search.finders import Finder, count, ours, peers
from benchmarks.search.scenes import call, heads_of
from benchmarks.search.table import Bench, Row, run
from mien.domain import DetectorMode
from tests.group import Group

SIZES = (9, 16, 25, 36, 49)
LEAST = {DetectorMode.AUTO: 0.99, DetectorMode.FAST: 0.97}
CASES = {"graduation.jpg": (50, 49), "gallery6.jpg": (36, 36), "gallery7.jpg": (49, 49)} | {
    "band_6000x4000_135px.jpg": (48, 47)
}


def rows(bench: Bench) -> Iterator[Row]:
    heads = heads_of(bench.data)
    scenes = [call(heads, people, np.random.default_rng([people, n])) for people in SIZES for n in range(bench.some(5))]
    faces = sum(len(scene.faces) for scene in scenes)

    peer = ", ".join("{}: {} +{}".format(finder.name, *total(finder, scenes)) for finder in peers(bench))
    for mode, least in LEAST.items():
        hits, more = total(ours(bench.engine, mode), scenes)
        name = f"{len(scenes)} calls of 9 to 49 people, 1080p, {faces} faces, `{mode}`: found + boxes on no face"
        yield Row(name, f"{hits} +{more}", f"{100 * least:.0f} %", hits >= least * faces, peer)
    for name, (people, fewest) in CASES.items():
        path = bench.shared / "cases" / name
        if not path.exists():
            yield Row(name, "not measured: ../shared/cases is not here")
            continue
        picture = np.asarray(cv2.imread(str(path)), np.uint8)
        found = len(ours(bench.engine, DetectorMode.AUTO).find(picture))
        peer = ", ".join(f"{finder.name}: {len(finder.find(picture))}" for finder in peers(bench))
        yield Row(f"{name}, {people} people, `auto`: faces reported", str(found), str(fewest), found >= fewest, peer)


def total(finder: Finder, scenes: list[Group]) -> tuple[int, int]:
    """Faces found and boxes on no face in all of ``scenes``."""
    hits, more = np.sum([count(finder.find(scene.picture), scene.faces) for scene in scenes], axis=0)
    return int(hits), int(more)


if __name__ == "__main__":
    run(__doc__, rows)
