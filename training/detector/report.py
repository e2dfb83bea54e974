"""Puts an evaluated file into the store with its manifest and card.

`python -m training.detector.report --run runs/detector/first --model runs/detector/int8.onnx --version 1`
Reads `<model>.json` (evaluate) of the file and of its float edition, `yunet.json` (evaluate), `time.json` (timing) and
`turned.json` (turned) from the folder of the model.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import onnx

from training.common import digest, toml_text
from training.detector.card import card
from training.detector.onnx_graph import ITERATIONS
from training.detector.predictor import MULTIPLE, NMS_IOU, STRIDES

Report = dict[str, Any]

DATASET = (
    "Photographs of FDDB, MaskScenes, Flickr and others (about 5,900 with and 900 without faces, nine tenths of them "
    "trained on); boxes by people (FDDB, MaskScenes) and by a teacher, YuNet-n, which also gave all landmarks; "
    "FER2013 faces (FER+ train split) pasted in, labelled by the same teacher"
)
LICENCE = (
    "No clear licence. FDDB is research data, FER2013 comes from a research competition, and the other photographs "
    "carry none; the teacher, YuNet-n, is MIT. The weights are learned from them: settle your own position before "
    "commercial use."
)
OUTPUT_MEANINGS = {
    "scores": "probability-like quality of the cell's face, 0..1",
    "boxes": "left, top, right, bottom: distances from the cell's centre in pixels of the input",
    "landmarks": "x, y offsets from the cell's centre in pixels of the input: right eye, left eye, nose, right mouth "
    "corner, left mouth corner (the subject's right)",
}
# a shipped threshold, one an input size: the lowest with at most this many false positives a held-out photograph, and
# on a face-free one
MOST_WRONG = 0.05
MOST_WRONG_FACE_FREE = 0.025


def choose_threshold(part: Report) -> float:
    """The lowest score that keeps both limits at one input size; the highest on the list where none does."""
    rows = sorted(part["thresholds"], key=lambda row: -row["threshold"])
    chosen = rows[0]["threshold"]
    for row in rows:
        if row["fp_a_picture"] > MOST_WRONG or row["fp_a_face_free_picture"] > MOST_WRONG_FACE_FREE:
            break
        chosen = row["threshold"]
    return float(chosen)


def at_threshold(part: Report, threshold: float) -> Report:
    """The row of the threshold table nearest to `threshold`."""
    row: Report = min(part["thresholds"], key=lambda row: abs(row["threshold"] - threshold))
    return row


def metrics(measured: Report) -> Report:
    """Headline figures on the held-out photographs, each with its count."""
    out: Report = {}
    for long_side in ("640", "320"):
        part = measured[long_side]
        row = at_threshold(part, choose_threshold(part))
        out[f"at_{long_side}"] = {
            "ap50": part["all"]["ap50"],
            "ap50_n": part["all"]["faces"],
            "ap50_24px": part["at_least_24"]["ap50"],
            "ap50_24px_n": part["at_least_24"]["faces"],
            "ap50_fddb_people": part["fddb_people"]["ap50"],
            "ap50_fddb_people_n": part["fddb_people"]["faces"],
            "recall_32px_at_0_05_fp": part["at_least_32"]["recall_at_0.05_fp"],
            "recall_32px_at_0_05_fp_n": part["at_least_32"]["faces"],
            "recall_at_threshold": row["recall"],
            "fp_a_picture_at_threshold": row["fp_a_picture"],
            "fp_a_picture_at_threshold_n": part["all"]["pictures"],
            "fp_a_face_free_picture_at_threshold": row["fp_a_face_free_picture"],
            "fp_a_face_free_picture_at_threshold_n": part["face_free_pictures"],
            "landmark_error_of_side": part["landmarks"]["mean"],
            "landmark_error_of_side_n": part["landmarks"]["n"],
        }
    return out


def manifest(model: Path, version: str, measured: Report, times: Report, starts: list[Report]) -> Report:
    """The manifest's tables, in the form that the service's store reads."""
    graph = onnx.load(model)
    iterations = int(next(entry.value for entry in graph.metadata_props if entry.key == ITERATIONS))
    shapes = {
        output.name: [axis.dim_param or axis.dim_value for axis in output.type.tensor_type.shape.dim]
        for output in graph.graph.output
    }
    return {
        "name": "face-detector",
        "version": version,
        "file": "model.onnx",
        "sha256": digest.sha256(model),
        "dataset": DATASET,
        "licence": LICENCE,
        "provisional": iterations < starts[-1]["train"]["iterations"],
        "input": {
            "name": "images",
            "shape": ["n", "h", "w", 3],
            "dtype": "uint8",
            "layout": "NHWC",
            "colour": "BGR",
            "normalisation": "inside the graph: divided by 255",
        },
        "outputs": [{"name": n, "shape": shapes[n], "meaning": text} for n, text in OUTPUT_MEANINGS.items()],
        "detector": {
            "strides": list(STRIDES),
            "multiple": MULTIPLE,
            "threshold": choose_threshold(measured["320"]),
            "accurate_threshold": choose_threshold(measured["640"]),
            "nms_iou": NMS_IOU,
            "fast_long_side": 320,
            "accurate_long_side": 640,
        },
        "metrics": {
            "split": "held out: every tenth photograph of each source",
            **metrics(measured),
            "milliseconds_one_thread": {side: files[model.name]["median"] for side, files in times.items()},
        },
        "trained_by": {
            "commit": starts[-1]["commit"],
            "command": starts[-1]["command"].removesuffix(" --resume"),
            "iterations": iterations,
            "segments": [f"from iteration {s['from']}: {s['commit'][:7]}" for s in starts],
        },
    }


def read(path: Path) -> Report:
    content: Report = json.loads(path.read_text(encoding="utf-8"))
    return content


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/detector/first"))
    parser.add_argument("--model", type=Path, default=Path("runs/detector/int8.onnx"))
    parser.add_argument("--version", default="1")
    parser.add_argument("--store", type=Path, default=Path("model_store"))
    arguments = parser.parse_args()
    source: Path = arguments.model
    measured = read(source.with_suffix(".json"))
    if measured["sha256"] != digest.sha256(source):
        raise SystemExit(f"{source} is not the file that was evaluated; run training.detector.evaluate on it")
    peers = {name: read(source.with_name(f"{name}.json")) for name in ("fp32", "yunet")}
    times = read(source.with_name("time.json"))
    lines = (arguments.run / "starts.jsonl").read_text(encoding="utf-8").splitlines()
    tables = manifest(source, arguments.version, measured, times, [json.loads(line) for line in lines])
    folder: Path = arguments.store / "face-detector" / arguments.version
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, folder / "model.onnx")
    (folder / "manifest.toml").write_text(toml_text.dump(tables), encoding="utf-8")
    text = card(tables, measured, peers, times, read(source.with_name("turned.json")), source.name)
    (folder / "CARD.md").write_text(text, encoding="utf-8")
    print(f"wrote {folder}: AP50 {measured['640']['all']['ap50']} at 640, threshold {tables['detector']['threshold']}")


if __name__ == "__main__":
    main()
