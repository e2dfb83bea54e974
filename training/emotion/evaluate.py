"""Measures an ONNX file on the valid split: `python -m training.emotion.evaluate MODEL.onnx [--out FILE.json]`.

One net, no test-time augmentation, the file as it ships.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.common import digest
from training.emotion import calibrate, data, metrics, perturb, targets, timing
from training.emotion.labels import BASIC7, FERPLUS8, NO_LABEL
from training.emotion.session import Logits, Session

PROTOCOL_A_COUNT = 3199  # of valid; another count means other data or another rule
CROP_SCALES = (0.8, 0.9, 1.0, 1.1, 1.2, 1.3)
FACE_SIDES = (12, 16, 20, 24, 32, 40, 48)

Report = dict[str, Any]


def evaluate(session: Session, valid: data.Faces) -> Report:
    """Everything but the timing, as plain JSON values; accuracies are fractions."""
    logits = session.logits(valid.images)
    kept, label = targets.protocol_a(valid.votes)
    if kept.sum() != PROTOCOL_A_COUNT:
        raise ValueError(f"protocol A keeps {kept.sum()} valid faces, expected {PROTOCOL_A_COUNT}")
    temperature = {"ferplus8": _fit_crowd(logits, valid), "basic7": _fit_single(logits, valid)}
    return {
        "protocol_a": _protocol_a(logits, valid, temperature["ferplus8"]["all"]),
        "protocol_b": _labelled(logits.ferplus, targets.protocol_b(valid.votes)),
        "fer2013": _fer2013(logits, valid),
        "temperature": temperature,
        "mirror": _mirror(session, logits, valid, temperature["ferplus8"]["all"]),
        "robustness": _robustness(session, valid, kept, label),
        "crop_scale": _sweep(session, valid, kept, label, perturb.crop_scale, CROP_SCALES),
        "face_side": _sweep(session, valid, kept, label, perturb.small, FACE_SIDES),
        "batch_dependence": timing.batch_dependence(session, valid.images[:96]),
    }


def twin_figures(session: Session, valid: data.Faces, train: data.Faces) -> Report:
    """Protocol A on the valid faces that have a near-identical twin in the whole train split, and on the others."""
    kept, label = targets.protocol_a(valid.votes)
    twin = data.twins(valid.images, train.images)
    logits = session.logits(valid.images).ferplus
    parts = {"with_twin": kept & twin, "without_twin": kept & ~twin}
    return {name: _labelled(logits[rows], label[rows]) for name, rows in parts.items()}


def time_file(session: Session, valid: data.Faces) -> Report:
    """Milliseconds a face at each batch size."""
    return {f"batch_{batch}": timing.milliseconds(session, valid.images, batch) for batch in timing.BATCHES}


def _protocol_a(logits: Logits, valid: data.Faces, temperature: float) -> Report:
    kept, label = targets.protocol_a(valid.votes)
    distribution = targets.vote_targets(valid.votes).distribution[kept]
    calibrated = metrics.softmax(logits.ferplus[kept], temperature)
    counts = metrics.confusion(calibrated, label[kept])
    recall = metrics.recalls(counts)
    return {
        **_labelled(logits.ferplus[kept], label[kept]),
        "kl_nats": metrics.kl(distribution, calibrated),
        "macro_recall": float(np.nanmean(recall)),
        "recall": {name: round(float(value), 4) for name, value in zip(FERPLUS8, recall, strict=True)},
        "faces_per_class": {name: int(n) for name, n in zip(FERPLUS8, counts.sum(axis=1), strict=True)},
        "confusion": counts.tolist(),
        "reliability": metrics.reliability(calibrated, label[kept]),
    }


def _fer2013(logits: Logits, valid: data.Faces) -> Report:
    known = valid.fer2013 != NO_LABEL
    probabilities = metrics.softmax(logits.fer2013[known])
    recall = metrics.recalls(metrics.confusion(probabilities, valid.fer2013[known]))
    return {
        **_labelled(logits.fer2013[known], valid.fer2013[known]),
        "macro_recall": float(np.nanmean(recall)),
        "recall": {name: round(float(value), 4) for name, value in zip(BASIC7, recall, strict=True)},
    }


def _fit_crowd(logits: Logits, valid: data.Faces) -> Report:
    """Fitted on the votes of every face that has any for an emotion; its error is reported on protocol A."""
    made = targets.vote_targets(valid.votes)
    kept, label = targets.protocol_a(valid.votes)
    return _fit(logits.ferplus, made.distribution * made.weight[:, None], label, kept)


def _fit_single(logits: Logits, valid: data.Faces) -> Report:
    known = valid.fer2013 != NO_LABEL
    label = np.where(known, valid.fer2013, 0)
    one_hot = np.eye(len(BASIC7))[label] * known[:, None]
    return _fit(logits.fer2013, one_hot, label, known)


def _fit(
    logits: NDArray[np.float32], votes: NDArray[np.floating], label: NDArray[np.int64], judged: NDArray[np.bool_]
) -> Report:
    """Fit on one half and measure on the other, both ways; `all` is fitted on both halves and is what ships."""
    fitted, errors, raw = [], [], []
    first, second = calibrate.halves(len(logits))
    for fit, test in ((first, second), (second, first)):
        temperature = calibrate.fit_temperature(logits[fit], votes[fit])
        rows = test & judged
        fitted.append(temperature)
        errors.append(metrics.calibration_error(metrics.softmax(logits[rows], temperature), label[rows]))
        raw.append(metrics.calibration_error(metrics.softmax(logits[rows]), label[rows]))
    return {
        "all": calibrate.fit_temperature(logits, votes),
        "halves": fitted,
        "ece_other_half": errors,
        "ece_other_half_uncalibrated": raw,
        "n": int(judged.sum()),
    }


def _mirror(session: Session, logits: Logits, valid: data.Faces, temperature: float) -> Report:
    """How far the scores of a face and of its mirror image lie apart."""
    plain = metrics.softmax(logits.ferplus, temperature)
    mirrored = metrics.softmax(session.logits(perturb.mirror(valid.images)).ferplus, temperature)
    top = plain.argmax(axis=1)
    rows = np.arange(len(top))
    return {
        "mean_difference": float(np.abs(plain - mirrored).mean()),
        "mean_difference_top": float(np.abs(plain[rows, top] - mirrored[rows, top]).mean()),
        "same_emotion": float((mirrored.argmax(axis=1) == top).mean()),
        "n": len(top),
    }


def _robustness(
    session: Session, valid: data.Faces, kept: NDArray[np.bool_], label: NDArray[np.int64]
) -> dict[str, float]:
    return {
        name: metrics.accuracy(session.logits(change(valid.images[kept])).ferplus, label[kept])
        for name, change in perturb.ROBUSTNESS.items()
    }


def _sweep(
    session: Session,
    valid: data.Faces,
    kept: NDArray[np.bool_],
    label: NDArray[np.int64],
    change: Any,
    values: tuple[float, ...],
) -> dict[str, float]:
    return {
        str(value): metrics.accuracy(session.logits(change(valid.images[kept], value)).ferplus, label[kept])
        for value in values
    }


def _labelled(logits: NDArray[np.float32], label: NDArray[np.int64]) -> Report:
    return {"accuracy": metrics.accuracy(logits, label), "n": len(label)}


def main() -> None:
    """Evaluate one file; print the headlines, write everything as JSON."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion.evaluate", description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, help="JSON file (default: beside the model)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    valid = data.load(options.data, "valid")
    session = Session(options.model)
    report = {
        "file": options.model.name,
        "bytes": options.model.stat().st_size,
        "sha256": digest.sha256(options.model),
        **evaluate(session, valid),
        "twins": twin_figures(session, valid, data.load(options.data, "train")),
        "milliseconds_a_face": time_file(session, valid),
    }
    out: Path = options.out or options.model.with_suffix(".json")
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    for name in ("protocol_a", "protocol_b", "fer2013"):
        print(f"{name}: {100 * report[name]['accuracy']:.2f} % of {report[name]['n']}")
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
