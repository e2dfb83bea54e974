"""What one pass of the detector finds of 48 small faces at an input of 320 and of 640 px, beside YuNet-n.

    python -m benchmarks.search.small_faces

A cell is the mean number found of 48, and the mean number of boxes on no face.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.search.finders import Finder, count, peers
from benchmarks.search.scenes import FloatArray, Image, crowd, heads_of
from benchmarks.search.table import Bench, Row, run
from mien.runtime import Session
from mien.store import ModelStore
from mien.vision.detector import OUTPUTS, DetectorSpec, FaceDetector
from tests.group import Group

FACES = 48
PICTURES = 5
MOST_FALSE = 2
# Input and size of the faces in px, and how many are asked for.
CASES = ((320, 8, None), (320, 10, 45), (320, 12, None), (640, 8, None), (640, 10, 42), (640, 12, 47), (640, 14, None))


def one_pass(detector: FaceDetector, side: int, picture: Image) -> FloatArray:
    return detector.detect(picture, side, detector.spec.min_score, 1000).boxes


def rows(bench: Bench) -> Iterator[Row]:
    heads = heads_of(bench.data)
    stored = ModelStore(bench.store).pick("face-detector")
    detector = FaceDetector(Session(stored, OUTPUTS), DetectorSpec.from_manifest(stored.section("detector")))
    for side, size, least in CASES:
        scenes = [
            crowd(heads, (side, side * 3 // 4), size, FACES, np.random.default_rng([side, size, n]))
            for n in range(PICTURES)
        ]
        hits, more = mean(Finder("ours", partial(one_pass, detector, side)), scenes)
        peer = ", ".join("{:.1f} +{:.1f}".format(*mean(finder, scenes)) for finder in peers(bench, (side,)))
        met = None if least is None else hits >= least and more <= MOST_FALSE
        asked = "" if least is None else f"{least} +{MOST_FALSE}"
        yield Row(f"48 faces of {size} px, one pass at {side} px", f"{hits:.1f} +{more:.1f}", asked, met, peer)


def mean(finder: Finder, scenes: list[Group]) -> tuple[float, float]:
    hits, more = np.mean([count(finder.find(scene.picture), scene.faces) for scene in scenes], axis=0)
    return float(hits), float(more)


if __name__ == "__main__":
    run(__doc__, rows)
