"""Measures an ONNX file of the emotion model on FER+ `valid`: the file as it ships, no test-time augmentation.

`python -m training.emotion.evaluate model_store/emotion/4/model.onnx` prints the headlines. Accuracies are shares.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.vision.classifier import CERTAIN_SCORE
from training.emotion import data, metrics, perturb, targets
from training.emotion.data import BASIC7, FERPLUS8, NO_LABEL
from training.emotion.session import Logits, Session

BATCHES = (1, 8, 32)

Report = dict[str, Any]


def evaluate(path: Path, valid: data.Faces, train: data.Faces) -> Report:
    """Everything that the card reports, as plain JSON values."""
    session = Session(path)
    logits = session.logits(valid.images)
    fits = fit_heads(logits, valid)
    kept, clear = targets.protocol_a(valid.votes)
    duplicate = data.near_duplicates(valid.images, train.images)
    return {
        **headline(logits, valid, fits["ferplus8"].everywhere),
        "temperature": {name: fit.everywhere for name, fit in fits.items()},
        "calibration": shares(fits["ferplus8"].probabilities, valid.votes),
        "uncertain": uncertain(fits["ferplus8"].probabilities, targets.protocol_b(valid.votes)),
        "without_near_duplicates": _labelled(logits.ferplus[kept & ~duplicate], clear[kept & ~duplicate]),
        "robustness": _robustness(session, valid.images[kept], clear[kept]),
        "mirror_difference": _mirror_difference(session, valid.images),
        "milliseconds_per_face": milliseconds(session, valid.images),
    }


def fit_heads(logits: Logits, valid: data.Faces) -> dict[str, metrics.CrossFit]:
    """Both heads' temperatures: `ferplus8` on the votes that count (lone votes dropped), `fer2013` on the labels."""
    votes, labels = targets.vote_targets(valid.votes), targets.label_targets(valid.fer2013, len(BASIC7))
    return {
        "ferplus8": metrics.cross_fit(logits.ferplus, votes.distribution * votes.weight[:, None]),
        "fer2013": metrics.cross_fit(logits.fer2013, labels.distribution * labels.weight[:, None]),
    }


def headline(logits: Logits, valid: data.Faces, temperature: float) -> Report:
    """Accuracies, recalls and the divergence from the votes."""
    kept, label = targets.protocol_a(valid.votes)
    known = valid.fer2013 != NO_LABEL
    scores = metrics.softmax(logits.ferplus[kept], temperature)
    counts = metrics.confusion(scores, label[kept])
    recalls = metrics.recalls(counts)
    return {
        "protocol_a": _labelled(scores, label[kept]),
        "protocol_b": _labelled(logits.ferplus, targets.protocol_b(valid.votes)),
        "fer2013": _labelled(logits.fer2013[known], valid.fer2013[known]),
        "kl_nats": metrics.kl(targets.vote_targets(valid.votes).distribution[kept], scores),
        "macro_recall": float(np.nanmean(recalls)),
        "confusion": counts.tolist(),
    }


def shares(probabilities: NDArray[np.float64], votes: NDArray[np.int64]) -> Report:
    """How far scores lie from shares of the votes, for faces scored at the other half's temperature (15 bins)."""
    target = targets.vote_targets(votes)
    counted = target.weight > 0
    scores, share = probabilities[counted], target.distribution[counted]
    rows, top = np.arange(len(scores)), scores.argmax(axis=1)
    every = votes[counted][:, : targets.EMOTIONS]
    return {
        "n": len(scores),
        "top": metrics.calibration_error(scores[rows, top], share[rows, top]),
        "top_of_all_votes": metrics.calibration_error(scores[rows, top], every[rows, top] / every.sum(axis=1)),
        "by_label": {
            name: metrics.calibration_error(scores[:, index], share[:, index]) for index, name in enumerate(FERPLUS8)
        },
    }


def uncertain(probabilities: NDArray[np.float64], label: NDArray[np.int64]) -> Report:
    """How often answers marked `uncertain` are wrong (protocol B), and the others."""
    marked = probabilities.max(axis=1) < CERTAIN_SCORE
    wrong = probabilities.argmax(axis=1) != label
    return {
        "share": float(marked.mean()),
        "wrong_if_uncertain": float(wrong[marked].mean()) if marked.any() else 0.0,
        "wrong_otherwise": float(wrong[~marked].mean()) if not marked.all() else 0.0,
        "n": len(label),
    }


def milliseconds(session: Session, faces: NDArray[np.uint8], rounds: int = 7) -> dict[str, float]:
    """Median milliseconds per face on one thread, by batch size: `{"1": ..., "8": ..., "32": ...}`."""
    times = {}
    for batch in BATCHES:
        spent = []
        for start in range(0, 20 * batch, batch) if len(faces) >= 20 * batch else [0]:
            for _ in range(rounds):
                began = time.perf_counter()
                session.logits(faces[start : start + batch], batch)
                spent.append(time.perf_counter() - began)
        times[str(batch)] = 1e3 * float(np.median(spent)) / batch
    return times


def _robustness(session: Session, images: NDArray[np.uint8], label: NDArray[np.int64]) -> dict[str, float]:
    """Protocol A accuracy under one change at a time."""
    changed = {name: session.logits(change(images)).ferplus for name, change in perturb.CHANGES.items()}
    return {name: metrics.accuracy(logits, label) for name, logits in changed.items()}


def _mirror_difference(session: Session, images: NDArray[np.uint8]) -> float:
    plain, mirrored = (
        metrics.softmax(session.logits(faces).ferplus) for faces in (images, np.ascontiguousarray(images[:, :, ::-1]))
    )
    return float(np.abs(plain - mirrored).mean())


def _labelled(scores: NDArray[np.floating], label: NDArray[np.int64]) -> Report:
    return {"accuracy": metrics.accuracy(scores, label), "n": len(label)}


def main() -> None:
    """Print the headlines; with `--out`, write everything as JSON."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion.evaluate", description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    report = evaluate(options.model, data.load(options.data, "valid"), data.load(options.data, "train"))
    for name in ("protocol_a", "protocol_b", "fer2013"):
        print(f"{name}: {100 * report[name]['accuracy']:.2f} % of {report[name]['n']}")
    print(f"KL {report['kl_nats']:.3f} nats, share error {100 * report['calibration']['top']:.2f} %")
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
