"""The manifest and the card of the face detector: a page each."""

from typing import Any

from training.common.store import LICENCE, Origin, paragraph, percent, table
from training.detector.predictor import ACCURATE, FAST, MIN_SIDE, MULTIPLE, NMS_IOU, STRIDES

Report = dict[str, Any]

DATASET = (
    "6,783 photographs with about 11,400 faces (FDDB, MaskScenes and others), labelled by people and by YuNet-n; faces "
    "of FER+'s train split pasted into them"
)
RIGHTS = LICENCE.format(
    data="FDDB is research data; the FER2013 faces and the other photographs carry no clear licence."
)
PARTS = {
    "all": "AP50, 16 px and over",
    "at_least_24": "AP50, 24 px and over",
    "fddb_people": "AP50, FDDB, people's boxes",
}
OUTPUTS = {
    "scores": (["n", "cells"], "whether the cell shows a face, 0..1; [detector.calibration] makes a probability of it"),
    "boxes": (["n", "cells", 4], "distances left, top, right, bottom from the cell's centre, px of the input"),
    "landmarks": (["n", "cells", 10], "offsets x, y of five landmarks from the cell's centre, px of the input"),
}


def manifest(version: str, reports: Report) -> Report:
    """The manifest's tables, as the service's store reads them."""
    ours = reports["ours"]
    return {
        "name": "face-detector",
        "version": version,
        "dataset": DATASET,
        "licence": RIGHTS,
        "recipe": "training/detector/recipe.toml",
        "input": {"name": "images", "shape": ["n", "h", "w", 3], "dtype": "uint8", "colour": "BGR"},
        "outputs": [{"name": name, "shape": shape, "meaning": text} for name, (shape, text) in OUTPUTS.items()],
        "detector": {
            "strides": list(STRIDES),
            "multiple": MULTIPLE,
            # One threshold for every scale: the score means the same at each.
            "threshold": max(ours[str(side)]["threshold"] for side in (FAST, ACCURATE)),
            "nms_iou": NMS_IOU,
            "min_side": MIN_SIDE,
            # probability = sigmoid(gain * logit(score) + bias)
            "calibration": reports["calibration"],
        },
        "metrics": {
            "split": "held out: every tenth photograph of each source",
            **{
                f"at_{side}": {
                    f"ap50_{part}{suffix}": ours[side][part][key]
                    for part in PARTS
                    for suffix, key in (("", "ap50"), ("_n", "faces"))
                    if ours[side][part]["faces"]
                }
                for side in (str(FAST), str(ACCURATE))
            },
        },
    }


def text(reports: Report, origin: Origin) -> str:
    """The card, in Markdown."""
    rows, errors = [], []
    for side in (str(FAST), str(ACCURATE)):
        for part, title in PARTS.items():
            row = f"{title}, {side} px (n = {reports['ours'][side][part]['faces']:,})"
            rows.append((row, *(_ap50(reports.get(name), side, part) for name in ("ours", "peer"))))
        for size, one in reports["ours"][side]["calibration"].items():
            errors.append((f"{size} px at {side}", f"{one['n']:,}", f"{percent(one['error'])} %"))
    return f"""# Face detector, version {origin.version}

Finds faces: a box, a score and five landmarks each. Anchor-free on strides 8, 16 and 32 (Tian et al. 2019,
arXiv:1904.01355), plain 3x3 convolutions with ReLU, int8 but for the last layers. The input is the picture's own bytes,
of any size that is a multiple of {MULTIPLE}; the manifest says how to read the outputs.

**The confidence of a face is the estimated probability that there is one**, at every size alike: a logistic regression
on the network's score, fitted on held-out photographs, see the manifest.

## Measured

On the held-out photographs (every tenth of each source, never trained on), by the service's own letterbox, non-maximum
suppression and box voting; beside it YuNet-n in the same run, as OpenCV runs it. AP at IoU 0.5, all points; any
unmatched detection counts as false, whatever its size.

{table(("", "this file", "YuNet-n"), rows)}

Expected calibration error of the confidence, by the size of the box (the calibration was fitted on these photographs):

{table(("box", "detections", "error"), errors)}

## Data, labels and licence

{
        paragraph(
            f"{DATASET}. Most labels are YuNet-n's: the figures measure agreement with it more than truth, and "
            f"flatter it; the row of people's boxes is the exception. {RIGHTS}"
        )
    }

## Failure modes

Faces under 8 px, profiles beyond the far eye, hands and masks before the face, faces upside down in small inputs.
Statues, drawings, dolls and animals are sometimes taken for faces.

## How it was made

`make train MODEL=face-detector`: `training/detector/recipe.toml`, {origin}.
"""


def _ap50(reports: Report | None, side: str, part: str) -> str:
    if reports is None:
        return "not measured"
    value = reports[side][part]["ap50"]
    return "no faces" if value is None else f"{value:.4f}"
