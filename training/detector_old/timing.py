"""Milliseconds a picture through onnxruntime on one thread, several files in one run, turn about.

`python -m training.detector.timing runs/detector/int8.onnx ../shared/teacher/yunet_n.onnx`
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import onnxruntime

from training.detector.predictor import open_session


def feed(session: onnxruntime.InferenceSession, side: int) -> dict[str, np.ndarray]:
    """A random square picture in the form that the file takes (ours: uint8 NHWC; YuNet: float NCHW)."""
    entry = session.get_inputs()[0]
    picture = np.random.default_rng(0).integers(0, 256, (1, side, side, 3), np.uint8)
    if entry.name == "images":
        return {"images": picture}
    return {entry.name: np.ascontiguousarray(picture.transpose(0, 3, 1, 2), np.float32)}


def milliseconds(paths: list[Path], side: int, rounds: int) -> list[dict[str, float]]:
    """Median and fastest tenth of each file; the files take turns, so that a busy moment hits all of them."""
    sessions = [open_session(path) for path in paths]
    feeds = [feed(session, side) for session in sessions]
    times: list[list[float]] = [[] for _ in paths]
    for turn in range(rounds + 5):
        for spent, session, data in zip(times, sessions, feeds, strict=True):
            began = time.perf_counter()
            session.run(None, data)
            if turn >= 5:
                spent.append((time.perf_counter() - began) * 1e3)
    return [{"median": round(float(np.median(t)), 3), "p10": round(float(np.percentile(t, 10)), 3)} for t in times]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    report = {
        str(side): dict(
            zip([p.name for p in arguments.models], milliseconds(arguments.models, side, arguments.rounds), strict=True)
        )
        for side in (320, 640)
    }
    text = json.dumps(report, indent=1)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
