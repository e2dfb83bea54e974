"""Puts a run's file into the store: `python -m training.emotion.pack --run runs/emotion/NAME --version 2`.

Copies RUN/int8.onnx, fits its temperatures and writes the manifest: what the file is and how it was made, and the
figures of RUN/fp32.onnx, which is too large for the store. `make model-report` then measures the file in the store and
writes the rest of the manifest's metrics and the card.
"""

import argparse
import shutil
import tomllib
from pathlib import Path
from typing import Any

from training.common import digest, toml_text
from training.emotion import data
from training.emotion.calibrate import Meaning
from training.emotion.evaluate import measure
from training.emotion.labels import BASIC7, FERPLUS8
from training.emotion.record import planned_epochs, trained_by
from training.emotion.session import UNSURE, Session

DATASET = "FER+ votes on FER2013 images (train split)"
WITHOUT_VOTES = "; faces of FDDB's, MaskScenes' and other photographs, which only its teachers named"
LICENCE = (
    "No clear licence. The FER+ votes are MIT; the FER2013 images come from a 2013 research competition that grants no "
    "rights to others{others}. The weights are learned from them: settle your own position before commercial use."
)
OTHERS = ", and the photographs that other faces were taken from carry no licence"
FRAMING = (
    "FER2013's own: brow to chin fills the tile; the median box of a modern detector (YuNet) in the tile is x 0.11, "
    "y 0.01, width 0.78, height 1.00 of its side. The service's own constants stand in vision/alignment."
)
OUTPUT_MEANINGS = {
    "ferplus": "logits of the crowd head, order as heads.ferplus8.labels",
    "fer2013": "logits of the FER2013 head, order as heads.basic7.labels",
    "features": "last feature map, after its ReLU",
    "activation": "class-activation maps of the crowd head; their mean over h and w plus a bias is `ferplus`",
    UNSURE: "bool: the first net was not sure of this face, and the second looked at it too",
}

Report = dict[str, Any]


def manifest(
    model: Path, version: str, measured: Report, fp32: Report | None, made: Report, planned: int, *, serves: bool
) -> Report:
    """The manifest's tables, in the form that the service's store reads; `measured` is of `model` (see `measure`).

    A version that does not serve is one to ask for by its number.
    """
    session = Session(model)
    shapes = session.output_shapes
    augment, others = made["config"]["augment"], made["faces_without_votes"] > 0
    return {
        "name": "emotion",
        "version": version,
        "file": "model.onnx",
        "sha256": digest.sha256(model),
        "dataset": DATASET + (WITHOUT_VOTES if others else ""),
        "licence": LICENCE.format(others=OTHERS if others else ""),
        "provisional": made["epochs"] < planned,
        **({} if serves else {"serve": False}),
        "input": {
            "name": "images",
            "shape": ["n", data.TILE, data.TILE, 1],
            "dtype": "uint8",
            "layout": "NHWC",
            "colour": "grey",
            "normalisation": "inside the graph: each picture minus its own mean, over its own standard deviation",
        },
        "outputs": [
            {"name": name, "shape": shapes[name], "meaning": meaning}
            for name, meaning in OUTPUT_MEANINGS.items()
            if name in shapes
        ],
        "heads": {
            "ferplus8": {
                "output": "ferplus",
                "labels": list(FERPLUS8),
                "temperature": round(measured["temperature"]["ferplus8"]["all"], 4),
                "fitted_to": measured["fitted_to"],
            },
            "basic7": {
                "output": "fer2013",
                "labels": list(BASIC7),
                "temperature": round(measured["temperature"]["basic7"]["all"], 4),
            },
        },
        "crop": {
            "tile": data.TILE,
            "framing": FRAMING,
            "trained_shift": augment["shift"],
            "trained_scale": list(augment["scale"]),
            "trained_rotation_degrees": augment["rotate"],
        },
        "metrics": {"split": "valid", **({"fp32": fp32_figures(fp32)} if fp32 else {})},
        "trained_by": made,
    }


def kept_times(before: Path, shape: str) -> Report:
    """The times in the manifest of the file that is replaced, where that was of the same shape: see `timing`."""
    if not before.is_file():
        return {}
    tables = tomllib.loads(before.read_text(encoding="utf-8"))
    times = tables["metrics"].get("times")
    return {"times": times} if times and tables["trained_by"].get("shape") == shape else {}


def fp32_figures(measured: Report) -> Report:
    """What the manifest keeps of the fp32 file, in per cent."""
    return {
        "sha256": measured["sha256"],
        "bytes": measured["bytes"],
        "protocol_a_accuracy": round(100 * measured["protocol_a"]["accuracy"], 2),
        "protocol_a_macro_recall": round(100 * measured["protocol_a"]["macro_recall"], 2),
        "protocol_a_kl_nats": round(measured["protocol_a"]["kl_nats"], 4),
        "protocol_b_accuracy": round(100 * measured["protocol_b"]["accuracy"], 2),
        "fer2013_accuracy": round(100 * measured["fer2013"]["accuracy"], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.emotion.pack", description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--store", type=Path, default=Path("model_store"))
    parser.add_argument("--meaning", type=Meaning, choices=list(Meaning), default=Meaning.MAJORITY)
    parser.add_argument("--note", default="", help="a sentence for the card: why the run's length is what it is")
    parser.add_argument("--aside", action="store_true", help="serve only where MIEN_MODEL_VERSIONS names this version")
    options = parser.parse_args()
    source, fp32 = options.run / "int8.onnx", options.run / "fp32.onnx"
    valid = data.load(options.data, "valid")
    epochs = Session(source).epochs
    tables = manifest(
        source,
        options.version,
        measure(source, valid, options.meaning),
        measure(fp32, valid, options.meaning) if fp32.is_file() else None,
        trained_by(options.run, epochs, options.note),
        planned_epochs(options.run),
        serves=not options.aside,
    )
    folder: Path = options.store / "emotion" / options.version
    folder.mkdir(parents=True, exist_ok=True)
    tables["metrics"] |= kept_times(folder / "manifest.toml", tables["trained_by"]["shape"])
    shutil.copyfile(source, folder / "model.onnx")
    (folder / "manifest.toml").write_text(toml_text.dump(tables), encoding="utf-8")
    print(f"wrote {folder}; now: make emotion-report VERSION={options.version} FP32={fp32.as_posix()}")


if __name__ == "__main__":
    main()
