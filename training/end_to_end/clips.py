"""How the boxes of a clip's timeline agree with the teacher's.

    python -m training.end_to_end.clips CLIP... [--detector accurate] [--fps 5] [--store model_store]

Nobody labelled the clips. The teacher, looking at every sampled frame at its full size, stands in: a box that it does
not even half believe in is counted as doubtful, a face that it is sure of and nobody is followed at as missed.
"""

from __future__ import annotations

import argparse
import json
from contextlib import closing
from pathlib import Path

import numpy as np

from mien.domain import AnalyzeOptions, DetectorMode
from mien.engine.local import EngineConfig, open_engine
from mien.store import default_store
from mien.timeline.model import FrameRow
from mien.usecases.analyze_video import VideoOptions, VideoRun
from mien.video.clip import Clip
from mien.video.model import ClipLimits, Sampling
from training.detector.average_precision import iou_matrix
from training.detector.data import FloatArray
from training.detector.predictor import Detector, open_detector

LONG_SIDE = 1920  # px; the teacher's input, at most
SMALLEST = 24.0  # px of the clip: smaller faces are not asked for
SAME = 0.35  # overlap (IoU) of two boxes of one face: the two detectors frame small ones a little differently
HINT, SURE = 0.3, 0.75  # scores of the teacher


def compare(row: FrameRow, seen: FloatArray, scores: FloatArray) -> dict[str, int]:
    """Counts of one frame; `seen` [n, 4] x1 y1 x2 y2 and `scores` [n] are the teacher's."""
    boxes = [(f.box.x, f.box.y, f.box.x + f.box.width, f.box.y + f.box.height) for f in row.faces]
    ours = np.array(boxes, np.float32).reshape(-1, 4)
    same = iou_matrix(ours, seen) >= SAME
    sides = np.sqrt(np.maximum(seen[:, 2:] - seen[:, :2], 0).prod(axis=1))
    asked = (scores >= SURE) & (sides >= SMALLEST)
    return {
        "boxes": len(ours),
        "doubtful": int((~(same & (scores >= HINT)).any(axis=1)).sum()),
        "sure": int(asked.sum()),
        "missed": int((asked & ~same.any(axis=0)).sum()),
    }


def measure(path: Path, options: AnalyzeOptions, fps: float, store: Path, teacher: Detector) -> dict[str, object]:
    """The sums over a clip."""
    sampling = Sampling(fps)
    with (
        closing(open_engine(EngineConfig(store, 1))) as engine,
        VideoRun(path, options, VideoOptions(sampling), engine=engine) as run,
    ):
        rows = list(run.rows())
        people = len(run.result().timeline.people)
    counts = {"boxes": 0, "doubtful": 0, "sure": 0, "missed": 0}
    with closing(Clip(path, sampling, ClipLimits(), None)) as clip:
        for row, frame in zip(rows, clip.frames(), strict=True):
            seen = teacher.detect(frame.pixels, min(LONG_SIDE, max(frame.pixels.shape[:2])))
            for name, count in compare(row, seen.boxes, seen.scores).items():
                counts[name] += count
    faces = [len(row.faces) for row in rows]
    six_to_nine = sum(6 <= count <= 9 for count in faces)
    return {"clip": path.name, "frames": len(rows), "people": people, "frames_with_6_to_9": six_to_nine, **counts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path, nargs="+")
    parser.add_argument("--detector", type=DetectorMode, choices=list(DetectorMode), default=DetectorMode.ACCURATE)
    parser.add_argument("--fps", type=float, default=5.0)
    parser.add_argument("--store", type=Path, default=default_store())
    parser.add_argument("--teacher", type=Path, default=Path("../shared/teacher/yunet_n.onnx"))
    arguments = parser.parse_args()
    teacher = open_detector(arguments.teacher, HINT)
    options = AnalyzeOptions(detector=arguments.detector)
    for path in arguments.clip:
        print(json.dumps(measure(path, options, arguments.fps, arguments.store, teacher)), flush=True)


if __name__ == "__main__":
    main()
