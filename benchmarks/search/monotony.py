"""Whether asking for more confidence ever gives a face that less did not, and more pixels ever lose one.

    python -m benchmarks.search.monotony

500 held-out photographs (``--full``; else 100), or crowds of the astronaut if those are not here. Each is searched at
five confidences, and at one and two times its size. A face counts as lost if the larger picture has no box on it.
"""

from collections.abc import Iterator
from itertools import pairwise

import cv2
import numpy as np

from benchmarks.search.finders import SAME, analyze, boxes_of, overlaps
from benchmarks.search.scenes import Image, crowd, heads_of
from benchmarks.search.table import Bench, Row, run
from mien.domain import AnalyzeOptions, DetectorMode
from tests.group import Head
from training.detector.data import load_photographs, read_picture

CONFIDENCES = (0.3, 0.5, 0.6, 0.7, 0.8)
PICTURES = 500


def rows(bench: Bench) -> Iterator[Row]:
    number = bench.some(PICTURES)
    if (bench.data / "faces").exists():
        held_out = [photograph for photograph in load_photographs(bench.data) if photograph.held_out]
        step = max(1, len(held_out) // number)
        pictures = [read_picture(bench.data, photograph) for photograph in held_out[::step][:number]]
    else:
        pictures = [made(seed, heads_of(bench.data)) for seed in range(number)]
    for mode in DetectorMode:
        by_confidence = sum(gains(bench, picture, mode) for picture in pictures)
        by_size = sum(loses(bench, picture, mode) for picture in pictures)
        yield Row(
            f"{number} pictures, `{mode}`: more faces at a higher confidence",
            f"{by_confidence}",
            "0",
            not by_confidence,
        )
        yield Row(f"{number} pictures, `{mode}`: a face lost at twice the pixels", f"{by_size}", "0", not by_size)


def gains(bench: Bench, picture: Image, mode: DetectorMode) -> bool:
    sets = []
    for confidence in CONFIDENCES:
        options = AnalyzeOptions(detector=mode, min_confidence=confidence, max_faces=1000)
        sets.append({(face.box, face.confidence) for face in analyze(bench.engine, picture, options).faces})
    return any(not more <= less for less, more in pairwise(sets))


def loses(bench: Bench, picture: Image, mode: DetectorMode) -> bool:
    options = AnalyzeOptions(detector=mode, max_faces=1000)
    larger = np.asarray(cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)
    faces, again = (boxes_of(analyze(bench.engine, each, options).faces) for each in (picture, larger))
    return bool((overlaps(faces, again / np.float32(2)).max(axis=1, initial=0.0) < SAME).any())


def made(seed: int, heads: list[Head]) -> Image:
    rng = np.random.default_rng(seed)
    return crowd(heads, (640, 480), float(rng.uniform(12, 60)), 12, rng).picture


if __name__ == "__main__":
    run(__doc__, rows)
