"""What is lost on the way from a bare tile to a face found and cropped in a photograph.

    python -m training.end_to_end [--json FILE]

Every tile of FER+ valid, protocol A, is pasted into a held-out photograph without faces; the shipped detector finds
it, ``mien.vision`` crops it and the shipped classifier names it, all through ``Pipeline``. A face that is not
found counts as wrong. Faces that are found somewhere else (IoU with the tile under 0.2) count as not found.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.domain import AnalyzeOptions, Box, DetectorMode, Frame, LabelSet, StageTimes
from mien.store import ModelStore
from mien.vision.pipeline import FoundFaces, Pipeline
from training.detector.data import load_photographs, read_picture
from training.emotion import data as emotion_data
from training.emotion.data import FERPLUS8
from training.emotion.targets import protocol_a

GROUNDS = 40

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """``pixels`` uint8 [h, w, 3] BGR with one tile pasted at (x, y), ``side`` pixels wide and high."""

    pixels: Pixels
    x: int
    y: int
    side: int


def face_free_photographs(data: Path, count: int) -> list[Pixels]:
    """The first held-out photographs without any face, so that the detector was never trained on them."""
    chosen = [photo for photo in load_photographs(data) if photo.held_out and photo.source == "objects"]
    return [read_picture(data, photo) for photo in chosen[:count]]


def pasted(tile: Pixels, ground: Pixels, side: int, rng: np.random.Generator) -> Scene:
    """``tile`` [48, 48] enlarged to ``side`` and blended into ``ground`` at a random place, its rim feathered."""
    height, width = ground.shape[:2]
    side = min(side, height, width)
    x, y = int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))
    face = cv2.cvtColor(cv2.resize(tile, (side, side), interpolation=cv2.INTER_CUBIC), cv2.COLOR_GRAY2BGR)
    pixels = ground.copy()
    part = pixels[y : y + side, x : x + side].astype(np.float32)
    weight = _feather(side)
    pixels[y : y + side, x : x + side] = (face * weight + part * (1 - weight)).round().astype(np.uint8)
    return Scene(pixels, x, y, side)


def _feather(side: int) -> NDArray[np.float32]:
    """Weight [side, side, 1] that falls to 0 over the outermost 3 %."""
    ramp = np.minimum(np.arange(side) + 0.5, side - np.arange(side) - 0.5) / max(1.0, 0.03 * side)
    edge = np.clip(ramp, 0, 1).astype(np.float32)
    weight: NDArray[np.float32] = np.minimum(edge[:, None], edge[None, :])[..., None]
    return weight


@dataclass(frozen=True)
class Loss:
    """Accuracies over the same ``n`` faces, in percent; ``loss`` is bare minus through, in points."""

    side: int
    detector: str
    n: int
    bare: float
    found: float
    through: float
    through_found: float
    loss: float


def measure(
    pipeline: Pipeline, tiles: np.ndarray, labels: np.ndarray, grounds: list[np.ndarray], side: int, mode: DetectorMode
) -> Loss:
    """Accuracy on bare tiles beside accuracy through detector and crop, faces ``side`` px wide in the photograph."""
    rng = np.random.default_rng(0)
    options = AnalyzeOptions(detector=mode, labels=LabelSet.FERPLUS8)
    bare = np.asarray([named(pipeline, logits) for logits in pipeline.classify(list(tiles))])
    through = np.full(len(tiles), -1)
    for index, tile in enumerate(tiles):
        scene = pasted(tile, grounds[index % len(grounds)], side, rng)
        height, width = scene.pixels.shape[:2]
        found = pipeline.detect(Frame(scene.pixels, width, height), options)
        face = face_at(found, scene)
        if face is not None:
            result = pipeline.finish(found, pipeline.classify(found.crops), options, StageTimes())
            through[index] = FERPLUS8.index(result.faces[face].emotion)
    seen = through >= 0
    right = through == labels
    bare_accuracy = 100 * float((bare == labels).mean())
    accuracy = 100 * float(right.mean())
    return Loss(
        side,
        mode.value,
        len(tiles),
        bare_accuracy,
        100 * float(seen.mean()),
        accuracy,
        100 * float(right[seen].mean()),
        bare_accuracy - accuracy,
    )


def named(pipeline: Pipeline, logits: object) -> int:
    """The emotion with the highest score, as its place in FERPLUS8."""
    scores = pipeline.classifier.decode(logits, LabelSet.FERPLUS8)  # type: ignore[arg-type]
    return FERPLUS8.index(max(scores, key=scores.__getitem__))


def face_at(found: FoundFaces, scene: Scene) -> int | None:
    """The face that overlaps the pasted tile most, if any does."""
    best, most = None, 0.2
    for index, square in enumerate(found.squares):
        region = Box(square.x - square.side / 2, square.y - square.side / 2, square.side, square.side)
        overlap = _iou(region, Box(scene.x, scene.y, scene.side, scene.side))
        if overlap > most:
            best, most = index, overlap
    return best


def _iou(one: Box, other: Box) -> float:
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one.width * one.height + other.width * other.height - shared)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--store", type=Path, default=Path("model_store"))
    parser.add_argument("--sides", type=int, nargs="+", default=[64, 128, 224], help="face sides in the photograph, px")
    parser.add_argument("--count", type=int, default=None, help="only the first COUNT faces, for a quick look")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    arguments = parser.parse_args()

    store = ModelStore(arguments.store)
    pipeline = Pipeline.load(store.pick("face-detector"), store.pick("emotion"))
    valid = emotion_data.load(arguments.data, "valid")
    kept, labels = protocol_a(valid.votes)
    tiles, labels = valid.images[kept][: arguments.count], labels[kept][: arguments.count]
    grounds = face_free_photographs(arguments.data, GROUNDS)

    print(f"{'side px':>8} {'detector':>9} {'n':>6} {'bare %':>8} {'found %':>8} {'through %':>10} {'loss':>6}")
    rows = []
    for mode in DetectorMode:
        for side in arguments.sides:
            row = measure(pipeline, tiles, labels, grounds, side, mode)
            rows.append(asdict(row))
            print(
                f"{row.side:8d} {row.detector:>9} {row.n:6d} {row.bare:8.2f} {row.found:8.2f} "
                f"{row.through:10.2f} {row.loss:6.2f}",
                flush=True,
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
