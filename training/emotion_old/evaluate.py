"""Measures an ONNX file on the valid split: `python -m training.emotion.evaluate MODEL.onnx [--out FILE.json]`.

One net, no test-time augmentation, the file as it ships. Accuracies are shares.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import cv2

from training.common import digest
from training.emotion import data, metrics, raters, timing
from training.emotion.calibrate import Meaning
from training.emotion.conditions import conditions, second_looks
from training.emotion.galleries import galleries
from training.emotion.headline import fits, headline, twin_figures
from training.emotion.session import Logits, Session

Report = dict[str, Any]


def measure(path: Path, valid: data.Faces, meaning: Meaning, shipped: dict[str, float] | None = None) -> Report:
    """The headline figures of a file; its scores are at the temperatures `shipped`, or at those that fit it best."""
    return _headline(path, Session(path).logits(valid.images), valid, meaning, shipped)


def evaluate(
    path: Path, valid: data.Faces, train: data.Faces, meaning: Meaning, shipped: dict[str, float] | None = None
) -> Report:
    """Everything but the timing, as plain JSON values."""
    session = Session(path)
    logits = session.logits(valid.images)
    report = _headline(path, logits, valid, meaning, shipped)
    temperature = report["temperature"]["ferplus8"]["shipped"]
    return {
        **report,
        "twins": twin_figures(logits, valid, data.twins(valid.images, train.images)),
        "raters": raters.who_voted(logits.ferplus, valid, train),
        "galleries": galleries(metrics.softmax(logits.ferplus, temperature), valid.votes),
        **conditions(session, valid, temperature),
        "second_looks": second_looks(session, valid.images),
        "batch_dependence": timing.batch_dependence(session, valid.images[:96]),
    }


def _headline(
    path: Path, logits: Logits, valid: data.Faces, meaning: Meaning, shipped: dict[str, float] | None
) -> Report:
    fitted = fits(logits, valid, meaning)
    used = shipped or {name: fit.everywhere for name, fit in fitted.items()}
    return {
        "file": path.name,
        "bytes": path.stat().st_size,
        "sha256": digest.sha256(path),
        **headline(logits, valid, fitted, used, meaning),
    }


def main() -> None:
    """Evaluate one file; print the headlines, write everything as JSON."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion.evaluate", description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--meaning", type=Meaning, choices=list(Meaning), default=Meaning.MAJORITY)
    parser.add_argument("--out", type=Path, help="JSON file (default: beside the model)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    valid, train = data.load(options.data, "valid"), data.load(options.data, "train")
    report = evaluate(options.model, valid, train, options.meaning)
    report["milliseconds_a_face"] = timing.race({"file": options.model}, timing.sample(valid.images))["file"]
    out: Path = options.out or options.model.with_suffix(".json")
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    for name in ("protocol_a", "protocol_b", "fer2013"):
        print(f"{name}: {100 * report[name]['accuracy']:.2f} % of {report[name]['n']}")
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
