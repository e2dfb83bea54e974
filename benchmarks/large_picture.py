"""How many faces of 40 px are found in a group photograph of 6,000 x 4,000 pixels, and how fast.

    python -m benchmarks.large_picture [--workers 2] [--data ../shared/data]

The heads are scikit-image's astronaut and, if the held-out photographs are there, 30 different people. Both pictures
are JPEG files, analysed with ``detector=accurate``; the limit is 400 ms on two cores.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from mien.domain import AnalyzeOptions, DetectorMode, FrameResult
from mien.engine.local import EngineConfig, LocalEngine, open_engine
from mien.images.decoder import PictureDecoder
from mien.images.limits import DecodeLimits
from tests.group import Group, Head, astronaut_head, group
from training.detector.average_precision import iou_matrix
from training.detector.data import load_photographs, read_picture

LIMIT_MS = 400.0
PEOPLE = 30
MIN_SIDE = 60.0  # px; a face that is reduced to 40 stays sharp


def people(data: Path) -> list[Head]:
    """Heads of held-out photographs, one per photograph, with a margin of half the side of the face."""
    heads = []
    for photograph in load_photographs(data):
        sizes = photograph.boxes[:, 2:] - photograph.boxes[:, :2]
        if not photograph.held_out or photograph.source not in ("fddb", "portraits") or len(sizes) != 1:
            continue
        box, side = photograph.boxes[0], float(np.sqrt(sizes[0].prod()))
        low, high = np.rint([box[:2] - side / 2, box[2:] + side / 2]).astype(int)
        if (
            photograph.ignore[0]
            or side < MIN_SIDE
            or min(low) < 0
            or (high > [photograph.width, photograph.height]).any()
        ):
            continue
        picture = read_picture(data, photograph)
        heads.append(Head(picture[low[1] : high[1], low[0] : high[0]], box - np.tile(low, 2).astype(np.float32)))
    return heads[:: max(1, len(heads) // PEOPLE)][:PEOPLE]


def count_found(result: FrameResult, scene: Group) -> tuple[int, int]:
    """The number of the scene's faces that were found (IoU of 0.3 or more), and of false detections."""
    boxes = [(f.box.x, f.box.y, f.box.x + f.box.width, f.box.y + f.box.height) for f in result.faces]
    overlaps = iou_matrix(scene.faces, np.array(boxes, np.float32).reshape(-1, 4)) >= 0.3
    return int(overlaps.any(axis=1).sum()), int((~overlaps.any(axis=0)).sum())


def measure(engine: LocalEngine, scene: Group, repeats: int) -> tuple[FrameResult, float, float]:
    """The result, and the median milliseconds without and with decoding."""
    data = cv2.imencode(".jpg", scene.picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    decoder = PictureDecoder(DecodeLimits(), concurrency=1)
    options = AnalyzeOptions(detector=DetectorMode.ACCURATE, max_faces=1000)
    without_decoding, total = [], []
    for _ in range(repeats):
        began = time.perf_counter()
        frame = decoder.decode(data, detector_side=engine.detector_side(DetectorMode.ACCURATE))
        decoded = time.perf_counter()
        (result,) = engine.analyze([frame], options)
        ended = time.perf_counter()
        without_decoding.append((ended - decoded) * 1e3)
        total.append((ended - began) * 1e3)
    return result, float(np.median(without_decoding)), float(np.median(total))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=Path("model_store"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    heads = {"the astronaut": [astronaut_head()]}
    if (arguments.data / "faces").exists():
        heads["30 people"] = people(arguments.data)
    engine = open_engine(EngineConfig(arguments.store, arguments.workers))
    print(
        f"{'heads':>14} {'found':>9} {'others':>7} {'detecting, ms':>14} {'with decoding':>14}   limit {LIMIT_MS:.0f}"
    )
    for name, given in heads.items():
        scene = group(given)
        result, detecting, total = measure(engine, scene, arguments.repeats)
        count, others = count_found(result, scene)
        verdict = "yes" if total <= LIMIT_MS else "NO"
        print(f"{name:>14} {count:>4}/{len(scene.faces)} {others:>7} {detecting:>14.0f} {total:>14.0f}   {verdict}")
    engine.close()


if __name__ == "__main__":
    main()
