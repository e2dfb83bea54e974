"""Faces in pictures turned by 90, 180 and 270 degrees: how many are found, and whether their emotions stay right.

    python -m benchmarks.search.turned [--pictures 150] [--scale 1]

Held-out photographs with labelled faces of 24 px and more, and the astronaut. What is right is the answer of
``accurate`` to the upright picture; a wrong emotion is sure if the face's quality is ok, it is not uncertain and its
score is at least 0.6.
"""

import cv2
import numpy as np
import skimage.data

from benchmarks.search.finders import SAME, analyze, arguments_of, boxes_of, opened, overlaps
from benchmarks.search.scenes import Image
from mien.domain import AnalyzeOptions, DetectorMode, Face
from training.detector.data import load_photographs, read_picture

SURE = 0.6
MIN_SIDE = 24.0


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("--pictures", type=int, default=150)
    arguments = parser.parse_args()
    pictures: list[Image] = [np.asarray(cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR), np.uint8)]
    if (arguments.data / "faces").exists():
        held_out = [p for p in load_photographs(arguments.data) if p.held_out and len(p.boxes) and not p.ignore.any()]
        step = max(1, len(held_out) // arguments.pictures)
        pictures += [read_picture(arguments.data, p) for p in held_out[::step][: arguments.pictures]]
    with opened(arguments.store) as engine:
        options = AnalyzeOptions(detector=DetectorMode.ACCURATE, min_face=MIN_SIDE)
        upright = [analyze(engine, picture, options).faces for picture in pictures]
        print(f"{len(pictures)} pictures, {sum(map(len, upright))} faces")
        for mode in arguments.detectors:
            for quarters in range(4):
                found = wrong = sure = others = 0
                for picture, faces in zip(pictures, upright, strict=True):
                    held = np.ascontiguousarray(np.rot90(picture, quarters))
                    answer = analyze(engine, held, AnalyzeOptions(detector=mode, min_face=MIN_SIDE)).faces
                    pairs, left = matched(faces, answer, picture.shape[:2], quarters)
                    found, others = found + len(pairs), others + left
                    different = [(face, other) for face, other in pairs if face.emotion != other.emotion]
                    wrong += len(different)
                    sure += sum(
                        other.quality.ok and not other.uncertain and other.score >= SURE for _, other in different
                    )
                total = sum(map(len, upright))
                print(
                    f"{mode:>9} {90 * quarters:>4} degrees: found {100 * found / total:5.1f} %, other emotion {wrong}, "
                    f"sure of it {sure}, boxes on no such face {others}",
                    flush=True,
                )


def matched(
    upright: tuple[Face, ...], found: tuple[Face, ...], shape: tuple[int, ...], quarters: int
) -> tuple[list[tuple[Face, Face]], int]:
    """Pairs of an upright face and the same face in the picture turned counter-clockwise by ``quarters`` quarter turns,
    and how many found faces are in no pair."""
    boxes, (height, width) = boxes_of(upright), shape
    for _ in range(quarters):
        left, top, right, bottom = boxes.T
        boxes, width, height = np.stack([top, width - right, bottom, width - left], axis=1), height, width
    shared, pairs = overlaps(boxes, boxes_of(found)), []
    while shared.size and shared.max() >= SAME:
        one, other = np.unravel_index(np.argmax(shared), shared.shape)
        pairs.append((upright[int(one)], found[int(other)]))
        shared[one, :] = shared[:, other] = 0
    return pairs, len(found) - len(pairs)


if __name__ == "__main__":
    main()
