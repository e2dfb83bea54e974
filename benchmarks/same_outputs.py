"""Whether both networks give the same outputs on another machine, or by another provider, as they do here.

    python -m benchmarks.same_outputs record OUTPUTS.npz PICTURE...
    python -m benchmarks.same_outputs compare OUTPUTS.npz --provider openvino

``record`` writes the networks' inputs, made of pictures and of the faces in them, and their outputs on this CPU.
``compare`` runs the same inputs where it is called, the faces in one batch and one by one, and prints per output how
many values have the same bits, and the largest and the mean difference. It needs only NumPy and onnxruntime, so that
``benchmarks/arm.sh`` can run it for ARM, under emulation.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np

from mien.domain import F32Array, U8Array
from mien.providers import Execution, Provider
from mien.runtime import Session, int8_sums_overflow
from mien.store import ModelStore

SIDES = (320, 640)  # px, of the detector's input


def outputs(store: ModelStore, model: str, images: U8Array, execution: Execution) -> dict[str, F32Array]:
    names = _names(store, model)
    return dict(zip(names, Session(store.pick(model), names, execution).run(images), strict=True))


def _names(store: ModelStore, model: str) -> list[str]:
    return [output["name"] for output in store.pick(model).manifest["outputs"]]


def record(store: ModelStore, file: Path, pictures: Sequence[Path]) -> None:
    import cv2

    from mien.domain import AnalyzeOptions, Frame
    from mien.engine.local import DETECTOR, EMOTION
    from mien.vision.pipeline import Pipeline

    pipeline = Pipeline.load(store.pick(DETECTOR), store.pick(EMOTION))
    arrays: dict[str, U8Array | F32Array] = {}
    crops: list[U8Array] = []
    for picture in pictures:
        pixels = np.asarray(cv2.imread(str(picture)), dtype=np.uint8)
        for side in SIDES:
            arrays[f"{DETECTOR}/{picture.stem}-{side}"] = pipeline.detector.prepare(pixels, side).image
        height, width = pixels.shape[:2]
        crops += pipeline.detect(Frame(pixels, width, height), AnalyzeOptions()).crops
    arrays[f"{EMOTION}/{len(crops)} faces"] = np.stack(crops)[..., None]
    for name, images in list(arrays.items()):
        for output, values in outputs(store, name.split("/")[0], np.asarray(images, np.uint8), Execution()).items():
            arrays[f"{name}/{output}"] = values
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    print(f"wrote {file}: {len(pictures)} pictures, {len(crops)} faces")


def compare(store: ModelStore, file: Path, execution: Execution) -> None:
    recorded = np.load(file)
    print(f"{'input':40} {'output':12} {'same bits':>9} {'largest':>9} {'mean':>9} {'of up to':>9}")
    for name in (name for name in recorded if name.count("/") == 1):
        model, images = name.split("/")[0], recorded[name]
        expected = {output: recorded[f"{name}/{output}"] for output in _names(store, model)}
        print_rows(name, outputs(store, model, images, execution), expected)
        if len(images) > 1:
            singles = [outputs(store, model, one[None], execution) for one in images]
            joined = {output: np.concatenate([single[output] for single in singles]) for output in expected}
            print_rows(f"{name}, one by one", joined, expected)


def print_rows(name: str, found: dict[str, F32Array], expected: dict[str, F32Array]) -> None:
    for output, values in expected.items():
        off, same = np.abs(found[output] - values), (found[output] == values).mean()
        print(f"{name:40} {output:12} {same:9.2%} {off.max():9.2g} {off.mean():9.2g} {np.abs(values).max():9.3g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["record", "compare"])
    parser.add_argument("file", type=Path)
    parser.add_argument("pictures", type=Path, nargs="*")
    parser.add_argument("--store", type=Path, default=Path("model_store"))
    parser.add_argument("--provider", choices=get_args(Provider), default="cpu")
    arguments = parser.parse_args()
    store = ModelStore(arguments.store)
    if arguments.action == "record":
        record(store, arguments.file, arguments.pictures)
        return
    print(f"int8 sums overflow in the default kernels: {int8_sums_overflow()}")
    compare(store, arguments.file, Execution(arguments.provider))


if __name__ == "__main__":
    main()
