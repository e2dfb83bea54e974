"""Whether asking for more confidence ever gives a face that less did not, and more pixels ever lose one.

    python -m benchmarks.search.monotony [--pictures 500]

Held-out photographs, and crowds of the astronaut if those are not here. Each is searched at five confidences, and at
one and two times its size. A face counts as lost if the larger picture has no box on it; a score moves a little from
size to size, so those 0.1 and more above the threshold are counted apart.
"""

from itertools import pairwise

import cv2
import numpy as np

from benchmarks.search.finders import SAME, analyze, arguments_of, boxes_of, opened, overlaps
from benchmarks.search.scenes import Image, crowd, heads_of
from mien.domain import AnalyzeOptions
from tests.group import Head
from training.detector.data import load_photographs, read_picture

CONFIDENCES = (0.3, 0.5, 0.6, 0.7, 0.8)
MARGIN = 0.1


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("--pictures", type=int, default=500)
    arguments = parser.parse_args()
    if (arguments.data / "faces").exists():
        held_out = [photograph for photograph in load_photographs(arguments.data) if photograph.held_out]
        pictures = [read_picture(arguments.data, photograph) for photograph in held_out[: arguments.pictures]]
    else:
        pictures = [made(number, heads_of(arguments.data)) for number in range(arguments.pictures)]
    with opened(arguments.store) as engine:
        threshold = engine.threshold()
        for mode in arguments.detectors:
            by_confidence = lost = surely_lost = fewer = 0
            for picture in pictures:
                sets = []
                for confidence in CONFIDENCES:
                    options = AnalyzeOptions(detector=mode, min_confidence=confidence, max_faces=1000)
                    sets.append({(face.box, face.confidence) for face in analyze(engine, picture, options).faces})
                by_confidence += any(not more <= less for less, more in pairwise(sets))
                options = AnalyzeOptions(detector=mode, max_faces=1000)
                faces = analyze(engine, picture, options).faces
                larger = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
                again = boxes_of(analyze(engine, np.asarray(larger, np.uint8), options).faces) / np.float32(2)
                alone = overlaps(boxes_of(faces), again).max(axis=1, initial=0.0) < SAME
                lost += bool(alone.any())
                fewer += len(again) < len(faces)
                scores = np.asarray([face.confidence for face in faces])
                surely_lost += bool((alone & (scores >= threshold + MARGIN)).any())
            print(
                f"{mode:>9}: of {len(pictures)} pictures, {by_confidence} have a face at a higher confidence that a "
                f"lower one lacks; at twice the pixels {fewer} have fewer faces, {lost} lose one, {surely_lost} a sure "
                f"one",
                flush=True,
            )


def made(number: int, heads: list[Head]) -> Image:
    rng = np.random.default_rng(number)
    return crowd(heads, (640, 480), float(rng.uniform(12, 60)), 12, rng).picture


if __name__ == "__main__":
    main()
