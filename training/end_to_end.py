"""What accuracy is lost between a bare FER+ face and the same face found and cropped in a photograph.

    python -m training.end_to_end [--store model_store]

Every face of FER+ valid, protocol A, is pasted into a held-out photograph without faces; the store's detector
finds it, `mien.vision` crops it and the classifier names it, all through `Pipeline`. A face that is not found, or found
somewhere else (IoU under 0.2), counts as wrong.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.domain import AnalyzeOptions, DetectorMode, Frame, LabelSet, StageTimes
from mien.store import ModelStore
from mien.vision.pipeline import FoundFaces, Pipeline
from training.detector.average_precision import iou_matrix
from training.detector.data import load_photographs, read_picture
from training.detector.pasted_faces import blend
from training.emotion import data
from training.emotion.data import FERPLUS8
from training.emotion.targets import protocol_a

GROUNDS = 40
RIM = 0.03  # of a pasted face's side, feathered
MIN_IOU = 0.2

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Loss:
    """Accuracies over the same `n` faces of `side` px, in percent. What is lost on the way is bare minus through."""

    side: int
    detector: str
    n: int
    bare: float
    found: float
    through: float
    through_found: float


def measure(
    pipeline: Pipeline, faces: Pixels, labels: NDArray[np.int64], grounds: list[Pixels], side: int, mode: DetectorMode
) -> Loss:
    """Accuracy on bare `faces` [n, 48, 48] beside accuracy through detector and crop."""
    rng = np.random.default_rng(0)
    options = AnalyzeOptions(detector=mode, labels=LabelSet.FERPLUS8)
    scores = [pipeline.classifier.decode(logits, LabelSet.FERPLUS8) for logits in pipeline.classify(list(faces))]
    bare = np.asarray([FERPLUS8.index(max(each, key=each.__getitem__)) for each in scores])
    through = np.full(len(faces), -1)
    for index, face in enumerate(faces):
        pixels, box = paste(face, grounds[index % len(grounds)], side, rng)
        found = pipeline.detect(Frame(pixels, pixels.shape[1], pixels.shape[0]), options)
        place = face_at(found, box)
        if place is not None:
            result = pipeline.finish(found, pipeline.classify(found.crops), options, StageTimes())
            through[index] = FERPLUS8.index(result.faces[place].emotion)
    seen, right = through >= 0, through == labels
    shares = [round(100 * float(part.mean()), 2) for part in (bare == labels, seen, right, right[seen])]
    return Loss(side, mode.value, len(faces), *shares)


def paste(face: Pixels, ground: Pixels, side: int, rng: np.random.Generator) -> tuple[Pixels, NDArray[np.float32]]:
    """A copy of `ground` [h, w, 3] with `face` [48, 48], `side` px large, at a random place; and its box [4]."""
    height, width = ground.shape[:2]
    side = min(side, height, width)
    x, y = int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))
    pixels = ground.copy()
    blend(pixels, face, x, y, side, RIM, np.ones(3))
    return pixels, np.asarray([x, y, x + side, y + side], np.float32)


def face_at(found: FoundFaces, box: NDArray[np.float32]) -> int | None:
    """The face whose crop overlaps `box` [4] most, if any does."""
    squares = np.asarray([(each.x, each.y, each.side / 2) for each in found.squares], np.float32).reshape(-1, 3)
    centres, half = squares[:, :2], squares[:, 2:]
    overlap = iou_matrix(np.concatenate([centres - half, centres + half], axis=1), box[None])[:, 0]
    return int(overlap.argmax()) if (overlap > MIN_IOU).any() else None


def main() -> None:
    """Print a line of JSON per detector mode and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--store", type=Path, default=Path("model_store"))
    parser.add_argument("--sides", type=int, nargs="+", default=[64, 128, 224], help="px in the photograph")
    parser.add_argument("--count", type=int, help="only the first COUNT faces")
    options = parser.parse_args()
    store = ModelStore(options.store)
    pipeline = Pipeline.load(store.pick("face-detector"), store.pick("emotion"))
    valid = data.load(options.data, "valid")
    kept, labels = protocol_a(valid.votes)
    faces, labels = valid.images[kept][: options.count], labels[kept][: options.count]
    # Held out: the detector was never trained on them.
    grounds = [each for each in load_photographs(options.data) if each.held_out and each.source == "objects"][:GROUNDS]
    pictures = [read_picture(options.data, each) for each in grounds]
    for mode in DetectorMode:
        for side in options.sides:
            row = measure(pipeline, faces, labels, pictures, side, mode)
            print(json.dumps(asdict(row)), flush=True)


if __name__ == "__main__":
    main()
