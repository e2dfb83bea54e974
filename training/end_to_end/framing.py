"""Where our detector's box sits in a FER+ tile: the numbers in ``service/mien/vision/alignment.py``.

    python -m training.end_to_end.framing

Runs the shipped detector over enlarged, padded training tiles and prints the median box and landmarks in tile sides,
their spread, and how well the square that alignment derives from a box covers the tile it came from.
"""

import argparse
from pathlib import Path

import numpy as np

from mien.domain import DetectorMode
from mien.runtime import Session
from mien.store import ModelStore
from mien.vision.alignment import fer_square
from mien.vision.detector import OUTPUTS, DetectorSpec, FaceDetector
from mien.vision.multiscale import detect_multiscale
from training.emotion import data as emotion_data
from training.end_to_end.scenes import padded

LANDMARKS = ("right eye", "left eye", "nose", "right mouth", "left mouth")
SIDE = 160  # px of an enlarged tile: with its margins it fills the detector's 320


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--store", type=Path, default=Path("model_store"))
    parser.add_argument("--count", type=int, default=3000, help="training tiles to look at")
    arguments = parser.parse_args()

    stored = ModelStore(arguments.store).pick("face-detector")
    detector = FaceDetector(Session(stored, OUTPUTS), DetectorSpec.from_manifest(stored.section("detector")))
    tiles = emotion_data.load(arguments.data, "train").images[: arguments.count]

    boxes, points, crops = [], [], []
    for tile in tiles:
        scene = padded(tile, SIDE)
        seen = detect_multiscale(detector, scene.pixels, DetectorMode.FAST, max_detections=1)
        if len(seen.boxes):
            origin = np.asarray([scene.x, scene.y], dtype=np.float32)
            boxes.append((seen.boxes[0] - np.tile(origin, 2)) / SIDE)
            points.append((seen.landmarks[0] - origin) / SIDE)
            square = fer_square(seen.boxes[0], seen.landmarks[0])
            crops.append(((square.x - scene.x) / SIDE, (square.y - scene.y) / SIDE, square.side / SIDE, square.roll))
    found = np.asarray(boxes)
    print(f"{len(found)} of {len(tiles)} tiles found ({len(found) / len(tiles):.1%})")
    sides = found[:, 2:] - found[:, :2]
    _row("box x, y", found[:, :2])
    _row("box w, h", sides)
    _row("box centre", found[:, :2] + sides / 2)
    for index, name in enumerate(LANDMARKS):
        _row(name, np.asarray(points)[:, index])
    _row("tile centre x, y, side, roll, from the box", np.asarray(crops))


def _row(name: str, values: np.ndarray) -> None:
    low, middle, high = np.percentile(values, [10, 50, 90], axis=0)
    cells = "   ".join(f"{m:6.3f} ({a:6.3f} .. {b:6.3f})" for a, m, b in zip(low, middle, high, strict=True))
    print(f"{name:40s} {cells}")


if __name__ == "__main__":
    main()
