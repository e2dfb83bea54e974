"""Milliseconds per run of each model on one core, with the peer detector in the same process.

    python -m benchmarks.model_speed

On a busy machine only the ratios are meaningful. The peer (YuNet-n) is not part of the project: without its file in
../shared/teacher it is left out.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime as ort

from mien.runtime import Session
from mien.store import ModelStore
from mien.vision.classifier import ClassifierSpec
from mien.vision.detector import OUTPUTS

PEER = Path("../shared/teacher/yunet_n.onnx")


def timed(runs: dict[str, Callable[[], object]], repeats: int) -> dict[str, tuple[float, float, float]]:
    """Quartiles in ms of each, after a warm-up of five; interleaved, so that a busy moment slows all of them down."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for repeat in range(repeats + 5):
        for name, run in runs.items():
            begin = time.perf_counter()
            run()
            if repeat >= 5:
                times[name].append((time.perf_counter() - begin) * 1e3)
    return {name: quartiles(values) for name, values in times.items()}


def quartiles(times: list[float]) -> tuple[float, float, float]:
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

    print(f"{'model':>14} {'input':>10} {'ms, median':>11} {'quartiles':>16} {'per face':>8} {'x peer':>7}")
    for side in (320, 640):
        picture = rng.integers(0, 255, (1, side, side, 3)).astype(np.uint8)
        runs: dict[str, Callable[[], object]] = {"face-detector": partial(detector.run, picture)}
        if PEER.exists():
            runs["YuNet-n"] = peer(PEER, side)
        spent = timed(runs, arguments.repeats)
        for name, found in spent.items():
            ratio = f"{found[1] / spent['YuNet-n'][1]:.2f}" if "YuNet-n" in spent else ""
            print_row(name, f"{side}x{side}", found, "", ratio)
    for batch in (1, 8, 32):
        crops = rng.integers(0, 255, (batch, 48, 48, 1)).astype(np.uint8)
        found = timed({"emotion": partial(classifier.run, crops)}, arguments.repeats)["emotion"]
        print_row("emotion", f"{batch} x 48x48", found, f"{found[1] / batch:.3f}", "")


def print_row(model: str, size: str, found: tuple[float, float, float], face: str, ratio: str) -> None:
    low, middle, high = found
    print(f"{model:>14} {size:>10} {middle:11.2f} {f'{low:.2f} .. {high:.2f}':>16} {face:>8} {ratio:>7}")


if __name__ == "__main__":
    main()
