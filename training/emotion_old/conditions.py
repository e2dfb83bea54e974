"""What harder conditions cost: mirror images, other crops, other sizes, worse pictures (protocol A, shares)."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.emotion import data, metrics, perturb, targets
from training.emotion.session import Session

CROP_SCALES = (0.8, 0.9, 1.0, 1.1, 1.2, 1.3)
FACE_SIDES = (16, 20, 24, 32, 40, 48, 64, 96, 128, 200, 300, 400)  # px of the face in the photograph

Report = dict[str, Any]
Images = NDArray[np.uint8]


def conditions(session: Session, valid: data.Faces, temperature: float) -> Report:
    """Accuracies under each change, and how far the scores of a face and of its mirror image lie apart."""
    kept, label = targets.protocol_a(valid.votes)
    faces, answer = valid.images[kept], label[kept]

    def accuracy(change: Callable[[Images], Images]) -> float:
        return metrics.accuracy(session.logits(change(faces)).ferplus, answer)

    def sweep(change: Callable[[Images, Any], Images], values: Iterable[float]) -> dict[str, float]:
        return {str(value): accuracy(lambda images, value=value: change(images, value)) for value in values}  # type: ignore[misc]

    return {
        "mirror": _mirror(session, valid.images, temperature),
        "robustness": {name: accuracy(change) for name, change in perturb.ROBUSTNESS.items()},
        "crop_scale": sweep(perturb.crop_scale, CROP_SCALES),
        "face_side": sweep(perturb.photographed, FACE_SIDES),
    }


def second_looks(session: Session, images: Images) -> dict[str, float] | None:
    """The share of `images` [n, 48, 48] that a cascade's second net looks at, plain and under each change of
    `perturb.ROBUSTNESS`; None where the file is a single net."""
    if not session.is_cascade:
        return None
    changes: dict[str, Callable[[Images], Images]] = {"plain": lambda plain: plain, **perturb.ROBUSTNESS}
    return {name: float(session.looked_twice(change(images)).mean()) for name, change in changes.items()}


def _mirror(session: Session, images: Images, temperature: float) -> Report:
    plain, mirrored = (
        metrics.softmax(session.logits(faces).ferplus, temperature) for faces in (images, perturb.mirror(images))
    )
    top = plain.argmax(axis=1)
    rows = np.arange(len(top))
    return {
        "mean_difference": float(np.abs(plain - mirrored).mean()),
        "mean_difference_top": float(np.abs(plain[rows, top] - mirrored[rows, top]).mean()),
        "same_emotion": float((mirrored.argmax(axis=1) == top).mean()),
        "n": len(top),
    }
