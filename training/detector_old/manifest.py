"""The detector's manifest, as the service's store reads it."""

from __future__ import annotations

from pathlib import Path

import onnx

from training.common import digest
from training.detector.measurements import Report
from training.detector.onnx_graph import ITERATIONS
from training.detector.predictor import MULTIPLE, NMS_IOU, STRIDES
from training.detector.thresholds import AGREED

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


def describe(
    model: Path, version: str, runs: list[Path], starts: list[list[Report]], thresholds: dict[int, float]
) -> Report:
    """Every table but the figures. runs: the folders of the runs that made the weights, the model's own the last;
    starts: how each of them was started (again); thresholds: by the input's long side."""
    last = starts[-1][-1]
    graph = onnx.load(model)
    iterations = int(next(entry.value for entry in graph.metadata_props if entry.key == ITERATIONS))
    shapes = {
        output.name: [axis.dim_param or axis.dim_value for axis in output.type.tensor_type.shape.dim]
        for output in graph.graph.output
    }
    fast, accurate = sorted(thresholds)
    return {
        "name": "face-detector",
        "version": version,
        "file": model.name,
        "sha256": digest.sha256(model),
        "dataset": DATASET,
        "licence": LICENCE,
        "provisional": iterations < last["train"]["iterations"],
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
            "threshold": thresholds[fast],
            "accurate_threshold": thresholds[accurate],
            "agreed_threshold": AGREED,
            "nms_iou": NMS_IOU,
            "fast_long_side": fast,
            "accurate_long_side": accurate,
        },
        "trained_by": {
            "commit": last["commit"],
            "command": last["command"].removesuffix(" --resume"),
            "runs": [run.as_posix() for run in runs],
            "iterations": [*(began[-1]["train"]["iterations"] for began in starts[:-1]), iterations],
            "segments": [
                f"from iteration {s['from']}, at {s['commit']}: {s['command']}" for began in starts for s in began
            ],
        },
    }
