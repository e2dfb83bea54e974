"""What one pass of the detector finds of 48 small faces at an input of 320 and of 640 px, beside YuNet-n.

    python -m benchmarks.search.small_faces [--pictures 5]

A cell is the mean number found of 48, and the mean number of boxes on no face.
"""

from functools import partial

import numpy as np

from benchmarks.search.finders import Finder, arguments_of, count, peers
from benchmarks.search.scenes import FloatArray, Image, crowd, heads_of
from mien.runtime import Session
from mien.store import ModelStore
from mien.vision.detector import OUTPUTS, DetectorSpec, FaceDetector

FACES = 48
# Input and size of the faces, px.
CASES = ((320, 8), (320, 10), (320, 12), (320, 16), (640, 8), (640, 10), (640, 12), (640, 14), (640, 16), (640, 20))


def one_pass(detector: FaceDetector, side: int, picture: Image) -> FloatArray:
    return detector.detect(picture, side, detector.spec.threshold, 1000).boxes


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("--pictures", type=int, default=5)
    arguments = parser.parse_args()
    heads = heads_of(arguments.data)
    stored = ModelStore(arguments.store).pick("face-detector")
    detector = FaceDetector(Session(stored, OUTPUTS), DetectorSpec.from_manifest(stored.section("detector")))
    for side, size in CASES:
        finders = [Finder("ours", partial(one_pass, detector, side)), *peers((side,))]
        scenes = [
            crowd(heads, (side, side * 3 // 4), size, FACES, np.random.default_rng([side, size, n]))
            for n in range(arguments.pictures)
        ]
        cells = np.asarray([[count(f.find(s.picture), s.faces) for s in scenes] for f in finders]).mean(axis=1)
        columns = [f"{finder.name} {hits:.1f} +{more:.1f}" for finder, (hits, more) in zip(finders, cells, strict=True)]
        print(f"input {side}, faces of {size} px: " + ", ".join(columns))


if __name__ == "__main__":
    main()
