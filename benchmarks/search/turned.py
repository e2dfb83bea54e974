"""Faces in pictures turned by 90, 180 and 270 degrees: how many are found, and whether their emotions stay right.

    python -m benchmarks.search.turned

150 held-out photographs (``--full``; else 30) with faces of 24 px and more, and the astronaut. What is right is the
answer of ``accurate`` to the upright picture; a wrong emotion is sure if the face's quality is ok, it is not uncertain
and its score is at least 0.6.
"""

from collections.abc import Iterator

import cv2
import numpy as np
import skimage.data

from benchmarks.search.finders import SAME, analyze, boxes_of, overlaps
from benchmarks.search.scenes import Image
from benchmarks.search.table import Bench, Row, run
from mien.domain import AnalyzeOptions, DetectorMode, Face
from training.detector.data import load_photographs, read_picture

SURE = 0.6
MIN_SIDE = 24.0
PICTURES = 150
LEAST = {DetectorMode.ACCURATE: 0.92, DetectorMode.AUTO: 0.80}


def rows(bench: Bench) -> Iterator[Row]:
    pictures: list[Image] = [np.asarray(cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR), np.uint8)]
    if (bench.data / "faces").exists():
        held_out = [p for p in load_photographs(bench.data) if p.held_out and len(p.boxes) and not p.ignore.any()]
        step = max(1, len(held_out) // bench.some(PICTURES))
        pictures += [read_picture(bench.data, p) for p in held_out[::step][: bench.some(PICTURES)]]
    options = AnalyzeOptions(detector=DetectorMode.ACCURATE, min_face=MIN_SIDE)
    upright = [analyze(bench.engine, picture, options).faces for picture in pictures]
    total = sum(map(len, upright))
    for mode, least in LEAST.items():
        for quarters in (1, 2, 3):
            found = wrong = sure = others = 0
            for picture, faces in zip(pictures, upright, strict=True):
                held = np.ascontiguousarray(np.rot90(picture, quarters))
                answer = analyze(bench.engine, held, AnalyzeOptions(detector=mode, min_face=MIN_SIDE)).faces
                pairs, left = matched(faces, answer, picture.shape[:2], quarters)
                found, others = found + len(pairs), others + left
                different = [other for face, other in pairs if face.emotion != other.emotion]
                wrong += len(different)
                sure += sum(face.quality.ok and not face.uncertain and face.score >= SURE for face in different)
            yield Row(
                f"{total} faces turned by {90 * quarters} degrees, `{mode}`: found; sure and wrong emotions",
                f"{100 * found / total:.1f} %; {sure} (another emotion {wrong}, boxes on no such face {others})",
                f"{100 * least:.0f} %; 0",
                found >= least * total and not sure,
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
    run(__doc__, rows)
