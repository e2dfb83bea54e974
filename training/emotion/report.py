"""Puts an evaluated file into the store with its manifest and card.

`python -m training.emotion.report --run runs/emotion/NAME --version 1`
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import onnx

from training.common import digest, toml_text
from training.emotion.card import card
from training.emotion.labels import BASIC7, FERPLUS8
from training.emotion.session import EPOCHS

DATASET = "FER+ votes on FER2013 images (train split)"
LICENCE = (
    "No clear licence. The FER+ votes are MIT; the FER2013 images come from a 2013 research competition that grants no "
    "rights to others. The weights are learned from them: settle your own position before commercial use."
)
OUTPUT_MEANINGS = {
    "ferplus": "logits of the crowd head, order as heads.ferplus8.labels",
    "fer2013": "logits of the FER2013 head, order as heads.basic7.labels",
    "features": "last feature map, after its ReLU",
    "activation": "class-activation maps of the crowd head; their mean over h and w plus a bias is `ferplus`",
}

Report = dict[str, Any]


def manifest(model: Path, version: str, measured: Report, fp32: Report, training: Report) -> Report:
    """The manifest's tables, in the form that the service's store reads."""
    temperature = measured["temperature"]
    return {
        "name": "emotion",
        "version": version,
        "file": "model.onnx",
        "sha256": digest.sha256(model),
        "dataset": DATASET,
        "licence": LICENCE,
        "provisional": _epochs(model) < training["config"]["epochs"],
        "input": {
            "name": "images",
            "shape": ["n", 48, 48, 1],
            "dtype": "uint8",
            "layout": "NHWC",
            "colour": "grey",
            "normalisation": "inside the graph: each picture minus its own mean, over its own standard deviation",
        },
        "outputs": _outputs(model),
        "heads": {
            "ferplus8": {
                "output": "ferplus",
                "labels": list(FERPLUS8),
                "temperature": round(temperature["ferplus8"]["all"], 4),
            },
            "basic7": {
                "output": "fer2013",
                "labels": list(BASIC7),
                "temperature": round(temperature["basic7"]["all"], 4),
            },
        },
        "crop": {
            "tile": 48,
            "framing": (
                "FER2013's own: brow to chin fills the tile; the median box of a modern detector (YuNet) in the tile "
                "is x 0.11, y 0.01, width 0.78, height 1.00 of its side. The service's own constants stand in "
                "vision/alignment."
            ),
            "trained_shift": training["config"]["augment"]["shift"],
            "trained_scale": list(training["config"]["augment"]["scale"]),
            "trained_rotation_degrees": training["config"]["augment"]["rotate"],
        },
        "metrics": _metrics(measured, fp32),
        "trained_by": {
            "commit": training["commit"],
            "command": training["command"],
            "seed": training["config"]["seed"],
            "epochs": _epochs(model),
            "train_faces": training["train"] - training["twins_dropped"],
            "twins_of_valid_dropped": training["twins_dropped"],
            "segments": training["segments"],
        },
    }


def _outputs(model: Path) -> list[Report]:
    graph = onnx.load(model).graph
    shapes = {
        output.name: [axis.dim_param or axis.dim_value for axis in output.type.tensor_type.shape.dim]
        for output in graph.output
    }
    return [{"name": name, "shape": shapes[name], "meaning": text} for name, text in OUTPUT_MEANINGS.items()]


def _epochs(model: Path) -> int:
    """How long the weights in the file were trained (the run may have gone on since)."""
    return next(int(entry.value) for entry in onnx.load(model).metadata_props if entry.key == EPOCHS)


def _metrics(measured: Report, fp32: Report) -> Report:
    """Headline figures of the shipped file on `valid`, each with its count; accuracies in per cent."""
    crowd, both, single = measured["protocol_a"], measured["protocol_b"], measured["fer2013"]
    errors = {name: measured["temperature"][name] for name in ("ferplus8", "basic7")}
    return {
        "split": "valid",
        "protocol_a_accuracy": _percent(crowd["accuracy"]),
        "protocol_a_n": crowd["n"],
        "protocol_a_accuracy_fp32": _percent(fp32["protocol_a"]["accuracy"]),
        "protocol_a_macro_recall": _percent(crowd["macro_recall"]),
        "protocol_a_kl_nats": round(crowd["kl_nats"], 4),
        "protocol_b_accuracy": _percent(both["accuracy"]),
        "protocol_b_n": both["n"],
        "fer2013_accuracy": _percent(single["accuracy"]),
        "fer2013_n": single["n"],
        "ece_ferplus8": _percent(sum(errors["ferplus8"]["ece_other_half"]) / 2),
        "ece_ferplus8_n": errors["ferplus8"]["n"],
        "ece_basic7": _percent(sum(errors["basic7"]["ece_other_half"]) / 2),
        "ece_basic7_n": errors["basic7"]["n"],
        "mirror_mean_difference": round(measured["mirror"]["mean_difference"], 4),
        "mirror_mean_difference_n": measured["mirror"]["n"],
        "batch_dependence": measured["batch_dependence"],
        "recall": {name: _percent(value) for name, value in crowd["recall"].items()},
        "robustness_protocol_a": {name: _percent(value) for name, value in measured["robustness"].items()},
        "milliseconds_a_face_one_thread": _round(measured["milliseconds_a_face"]),
        "milliseconds_a_face_one_thread_fp32": _round(fp32["milliseconds_a_face"]),
    }


def training_of(run: Path) -> Report:
    """What the run's log says about how it was made."""
    events = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    starts = [event for event in events if event.get("event") in {"start", "resume"}]
    epochs = [event for event in events if "epoch" in event]
    return {
        **starts[-1],
        "commit": starts[0]["commit"],
        "command": starts[0]["command"],
        "segments": _segments(events),
        "seconds": sum(event["seconds"] for event in epochs),
    }


def _segments(events: list[Report]) -> list[Report]:
    """The commands that made the run, each with its commit and the epoch that it ended after."""
    segments: list[Report] = []
    for event in events:
        if event.get("event") in {"start", "resume"}:
            segments.append({"command": event["command"], "commit": event["commit"], "epoch": 0})
            segments[-1]["planned"] = event["config"]["epochs"]
        elif "epoch" in event:
            segments[-1]["epoch"] = event["epoch"]
    return segments


def _percent(share: float) -> float:
    return round(100 * share, 2)


def _round(values: dict[str, float]) -> dict[str, float]:
    return {key: round(value, 3) for key, value in values.items()}


def main() -> None:
    """Write STORE/emotion/VERSION from RUN/{int8,fp32}.{onnx,json} and the run's log."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion.report", description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--version", default="1")
    parser.add_argument("--store", type=Path, default=Path("model_store"))
    parser.add_argument("--ship", choices=("int8", "fp32"), default="int8")
    parser.add_argument("--note", default="", help="a sentence for the card: why the run's length is what it is")
    options = parser.parse_args()
    evaluations = {
        kind: json.loads((options.run / f"{kind}.json").read_text(encoding="utf-8")) for kind in ("int8", "fp32")
    }
    source: Path = options.run / f"{options.ship}.onnx"
    measured = evaluations[options.ship]
    if measured["sha256"] != digest.sha256(source):
        raise SystemExit(f"{source} is not the file that was evaluated; run training.emotion.evaluate on it")
    training = {**training_of(options.run), "run": options.run.as_posix(), "note": options.note}
    folder: Path = options.store / "emotion" / options.version
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, folder / "model.onnx")
    tables = manifest(source, options.version, measured, evaluations["fp32"], training)
    (folder / "manifest.toml").write_text(toml_text.dump(tables), encoding="utf-8")
    text = card(tables, evaluations, options.ship, training)
    (folder / "CARD.md").write_text(text, encoding="utf-8")
    print(f"wrote {folder}: protocol A {tables['metrics']['protocol_a_accuracy']} %")


if __name__ == "__main__":
    main()
