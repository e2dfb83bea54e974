"""Milliseconds of each model on one core, beside the peer detector in the same run.

    python -m benchmarks.model_speed

Runs on an idle machine say something; on a busy one only the ratios do. The peer (YuNet-n) is not part of the
project: its file is looked for in ../shared/teacher and left out of the table where it is missing.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort

from service.runtime import Session
from service.store import ModelStore
from service.vision.classifier import ClassifierSpec
from service.vision.detector import OUTPUTS

PEER = Path("../shared/teacher/yunet_n.onnx")


def timed(run: Callable[[], object], repeats: int) -> tuple[float, float, float]:
    """Quartiles in ms, after a warm-up of five."""
    for _ in range(5):
        run()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        times.append((time.perf_counter() - begin) * 1e3)
    low, middle, high = np.percentile(times, [25, 50, 75])
    return float(low), float(middle), float(high)


def peer(path: Path, side: int) -> Callable[[], object]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    picture = np.random.default_rng(0).integers(0, 255, (1, 3, side, side)).astype(np.float32)
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: picture})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=Path("model_store"))
    parser.add_argument("--repeats", type=int, default=200)
    arguments = parser.parse_args()

    store, rng = ModelStore(arguments.store), np.random.default_rng(0)
    detector = Session(store.pick("face-detector"), OUTPUTS)
    emotion = store.pick("emotion")
    classifier = Session(emotion, ClassifierSpec.from_manifest(emotion.section("heads")).outputs)

    print(f"{'model':>14} {'input':>10} {'ms, median':>11} {'quartiles':>16} {'a face':>8} {'x peer':>7}")
    for side in (320, 640):
        picture = rng.integers(0, 255, (1, side, side, 3)).astype(np.uint8)
        low, ours, high = timed(lambda picture=picture: detector.run(picture), arguments.repeats)
        ratio = ""
        if PEER.exists():
            peer_low, theirs, peer_high = timed(peer(PEER, side), arguments.repeats)
            quartiles = f"{peer_low:.2f} .. {peer_high:.2f}"
            print(f"{'YuNet-n':>14} {f'{side}x{side}':>10} {theirs:11.2f} {quartiles:>16}")
            ratio = f"{ours / theirs:.2f}"
        quartiles = f"{low:.2f} .. {high:.2f}"
        print(f"{'face-detector':>14} {f'{side}x{side}':>10} {ours:11.2f} {quartiles:>16} {'':>8} {ratio:>7}")
    for batch in (1, 8, 32):
        tiles = rng.integers(0, 255, (batch, 48, 48, 1)).astype(np.uint8)
        low, ours, high = timed(lambda tiles=tiles: classifier.run(tiles), arguments.repeats)
        quartiles = f"{low:.2f} .. {high:.2f}"
        print(f"{'emotion':>14} {f'{batch} x 48x48':>10} {ours:11.2f} {quartiles:>16} {ours / batch:8.3f}")


if __name__ == "__main__":
    main()
