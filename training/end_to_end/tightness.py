"""How tight the classifier's crop should be: ``CROP_SCALE`` and ``CROP_RAISE`` in ``service/mien/vision/alignment.py``.

    python -m training.end_to_end.tightness [--emotion 3]

FER+ valid, protocol A, pasted into photographs as in ``evaluate``. Each face is found once and cropped in many ways;
printed is the accuracy of each, in per cent of all faces (one that is not found counts as wrong), then the mean over
both detector modes and three sizes, what it differs by from the tile's own square, and the standard error of that over
faces. Four minutes of two cores.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.domain import AnalyzeOptions, DetectorMode, Frame, LabelSet
from mien.store import ModelStore
from mien.vision.alignment import crop_face, fer_square
from mien.vision.pipeline import Pipeline
from training.emotion import data as emotion_data
from training.emotion.targets import protocol_a
from training.end_to_end.evaluate import GROUNDS, face_at, named
from training.end_to_end.scenes import face_free_photographs, pasted

SHARES = (0.86, 0.88, 0.90, 0.92, 0.94, 0.96, 0.98, 1.0, 1.04)  # of the tile's side
RAISES = (0.0, 0.015, 0.03)  # of the tile's side
SIDES = (64, 128, 224)  # px of the face in the photograph


def answers(
    data: Path, store: Path, emotion: str | None, count: int | None, mode: DetectorMode, side: int
) -> NDArray[np.float64]:
    """1 where a face cropped so is named as the crowd does, else 0: [n, shares, raises]."""
    models = ModelStore(store)
    pipeline = Pipeline.load(models.pick("face-detector"), models.pick("emotion", emotion))
    valid = emotion_data.load(data, "valid")
    kept, label = protocol_a(valid.votes)
    grounds = face_free_photographs(data, GROUNDS)
    rng, options = np.random.default_rng(0), AnalyzeOptions(detector=mode, labels=LabelSet.FERPLUS8)
    ways = [(share, raised) for share in SHARES for raised in RAISES]
    tiles, labels = valid.images[kept][:count], label[kept][:count]
    right = np.zeros((len(tiles), len(ways)))
    for index, (tile, said) in enumerate(zip(tiles, labels, strict=True)):
        scene = pasted(tile, grounds[index % len(grounds)], side, rng)
        height, width = scene.pixels.shape[:2]
        found = pipeline.detect(Frame(scene.pixels, width, height), options)
        face = face_at(found, scene)
        if face is None:
            continue
        square = fer_square(found.detections.boxes[face], found.detections.landmarks[face])
        crops = [crop_face(scene.pixels, square.resized(*way)) for way in ways]
        right[index] = [named(pipeline, logits) == said for logits in pipeline.classify(crops)]
    return right.reshape(len(tiles), len(SHARES), len(RAISES))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--store", type=Path, default=Path("model_store"))
    parser.add_argument("--emotion", help="version of the emotion model; the one that serves without it")
    parser.add_argument("--count", type=int, help="only the first COUNT faces, for a quick look")
    options = parser.parse_args()
    measure = partial(answers, options.data, options.store, options.emotion, options.count)
    conditions = [(mode, side) for mode in DetectorMode for side in SIDES]
    conditions_right = []
    # Fresh processes: onnxruntime's threads do not survive a fork.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for (mode, side), right in zip(conditions, pool.map(measure, *zip(*conditions, strict=True)), strict=True):
            _print(f"{mode.value}, faces of {side} px", 100 * right.mean(axis=0))
            conditions_right.append(right)
    each = 100 * np.mean(conditions_right, axis=0)
    own = each[:, SHARES.index(1.0), RAISES.index(0.0)]
    more = each - own[:, None, None]
    _print("mean", each.mean(axis=0))
    _print("more than the tile's own square", more.mean(axis=0))
    _print("standard error of that", more.std(axis=0) / len(more) ** 0.5)


def _print(title: str, table: NDArray[np.float64]) -> None:
    print(f"{title}\n   side   " + "   ".join(f"up {raised:5.3f}" for raised in RAISES))
    for share, row in zip(SHARES, table, strict=True):
        print(f"   {share:4.2f}   " + "   ".join(f"{percent:8.2f}" for percent in row), flush=True)


if __name__ == "__main__":
    main()
