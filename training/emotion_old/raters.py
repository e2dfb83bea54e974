"""How much of the distance between a file and the votes on `valid` is who voted (pure numpy).

The votes of FER+ change from one run of faces to the next as if other people gave them. From the first face of `valid`
on raters agree more often than on any part of `train`, and say `sad` more seldom of faces that look the same to the
net. A bias for each emotion makes up for that, and eight numbers can be fitted to half of `valid` without learning any
face ("bias-corrected temperature scaling", Alexandari et al. 2020, arXiv:1901.06852). Measured only: what ships has no
number of `valid` in its net.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.emotion import calibrate, data, metrics, targets
from training.emotion.calibrate import Meaning
from training.emotion.labels import FERPLUS8
from training.emotion.worth import worth

PARTS = 8  # of train, in the order of FER+'s rows: each about as large as valid

Report = dict[str, Any]


class Habits(NamedTuple):
    """What raters do with the scores of a net: softmax(scale * logits + biases)."""

    scale: float
    biases: NDArray[np.float64]  # [k], their sum is 0

    def of(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """The logits [n, k] that a net would have if its raters had been these, at the net's own temperature."""
        moved: NDArray[np.float64] = logits + self.biases / self.scale
        return moved


def fit(logits: NDArray[np.floating], votes: NDArray[np.floating], steps: int = 25) -> Habits:
    """The habits of greatest likelihood for `votes` [n, k] (rows weigh what they sum to), by Newton's method.

    The likelihood is concave; a ridge of a millionth keeps the direction in which all biases move together, which
    changes nothing, where it is.
    """
    mass, classes = votes.sum(axis=1), logits.shape[1]
    scale, biases = 1.0, np.zeros(classes)
    for _ in range(steps):
        p = metrics.softmax(scale * logits + biases)
        mean = (p * logits).sum(axis=1)
        excess = mass[:, None] * p - votes
        weighed = mass[:, None] * p
        curvature = np.empty((1 + classes, 1 + classes))
        curvature[0, 0] = mass @ ((p * logits**2).sum(axis=1) - mean**2)
        curvature[0, 1:] = curvature[1:, 0] = (weighed * (logits - mean[:, None])).sum(axis=0)
        curvature[1:, 1:] = np.diag(weighed.sum(axis=0)) - weighed.T @ p
        curvature[np.diag_indices_from(curvature)] += 1e-6 * mass.sum()
        step = np.linalg.solve(curvature, np.concatenate([[(excess * logits).sum()], excess.sum(axis=0)]))
        scale, biases = scale - step[0], biases - step[1:]
    return Habits(float(scale), biases - biases.mean())


def at_other_half(logits: NDArray[np.floating], votes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logits [n, k], each face's moved by the habits that were fitted to the half that it is not in."""
    moved = np.empty(logits.shape)
    for rows in calibrate.halves(len(logits)):
        moved[rows] = fit(logits[~rows], votes[~rows]).of(logits[rows])
    return moved


def who_voted(logits: NDArray[np.float32], valid: data.Faces, train: data.Faces) -> Report:
    """How the raters of both splits differ, and the figures of `logits` [n, 8] on `valid` with that made up for."""
    kept, label = targets.protocol_a(valid.votes)
    votes = calibrate.fitted_votes(valid.votes, Meaning.VOTES_WITHOUT_LONE_ONES)
    moved = at_other_half(logits, votes)
    distribution = targets.vote_targets(valid.votes).distribution[kept]
    expected = np.average(metrics.softmax(logits), axis=0, weights=votes.sum(axis=1))
    return {
        "unanimous": {
            "train": _unanimous(train.votes),
            "parts_of_train": [_unanimous(votes) for votes in np.array_split(train.votes, PARTS)],
            "valid": _unanimous(valid.votes),
        },
        "emotions": {
            name: {"train": float(in_train), "valid": float(in_valid), "expected": float(by_net)}
            for name, in_train, in_valid, by_net in zip(
                FERPLUS8, _shares(train.votes), _shares(valid.votes), expected, strict=True
            )
        },
        "protocol_a": metrics.accuracy(moved[kept], label[kept]),
        "protocol_b": metrics.accuracy(moved, targets.protocol_b(valid.votes)),
        "kl_nats_lowest": metrics.kl(
            distribution, metrics.softmax(moved[kept], calibrate.fit_temperature(moved[kept], distribution))
        ),
        "worth": worth(metrics.softmax(logits), valid.votes[:, : targets.EMOTIONS]),
    }


def _unanimous(votes: NDArray[np.int64]) -> float:
    """Share of faces of which all ten raters say the same."""
    return float((votes.max(axis=1) == 10).mean())


def _shares(votes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each emotion's share of the votes, faces as they are weighed in training."""
    fitted = calibrate.fitted_votes(votes, Meaning.VOTES_WITHOUT_LONE_ONES)
    shares: NDArray[np.float64] = fitted.sum(axis=0) / fitted.sum()
    return shares
