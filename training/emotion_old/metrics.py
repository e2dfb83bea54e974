"""Figures of merit on logits, votes and labels (pure numpy; probabilities are float arrays whose rows sum to 1)."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]


def softmax(logits: Floats, temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities [n, k] of `logits` [n, k] / `temperature`."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    exponentials = np.exp(scaled)
    probabilities: NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


def accuracy(probabilities: Floats, label: Ints) -> float:
    """Share of faces whose top class is `label` [n]."""
    return float((probabilities.argmax(axis=1) == label).mean())


def kl(distribution: Floats, probabilities: Floats) -> float:
    """Mean Kullback-Leibler divergence of the prediction from the votes [n, k], in nats."""
    ratio = np.log(np.maximum(distribution, 1e-12)) - np.log(np.maximum(probabilities, 1e-12))
    return float((distribution * ratio).sum(axis=1).mean())


def confusion(probabilities: Floats, label: Ints) -> Ints:
    """Counts [true class, predicted class]."""
    classes = probabilities.shape[1]
    pairs = label * classes + probabilities.argmax(axis=1)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def recalls(counts: Ints) -> NDArray[np.float64]:
    """Share of each true class that was found, from a confusion matrix; nan for a class that never occurs."""
    total = counts.sum(axis=1)
    return np.where(total > 0, np.diag(counts) / np.maximum(total, 1), np.nan)


def reliability(probabilities: Floats, label: Ints, bins: int = 15) -> list[tuple[int, float, float]]:
    """For each of `bins` equal ranges of the top score: (faces, mean score, share that were right)."""
    return _binned(probabilities.max(axis=1), probabilities.argmax(axis=1) == label, bins)


def calibration_error(probabilities: Floats, label: Ints, bins: int = 15) -> float:
    """Expected calibration error: how far score and share of right answers lie apart, averaged over the faces."""
    return _error(reliability(probabilities, label, bins))


def share_error(probabilities: Floats, votes: Floats, bins: int = 15) -> float:
    """The same for the share of raters: the top score against that label's part of the `votes` [n, k]."""
    rows, top = np.arange(len(votes)), probabilities.argmax(axis=1)
    share = votes[rows, top] / votes.sum(axis=1)
    return _error(_binned(probabilities.max(axis=1), share, bins))


def noise_floor(probabilities: Floats, draws: int = 50, seed: int = 0) -> float:
    """The calibration error that these scores would show on average if they were perfect.

    Labels are drawn from the scores themselves. It is not 0: a bin of a few faces is never right exactly as often as
    it says, and the error adds up how far each is off, not which way.
    """
    rng = np.random.default_rng(seed)
    edges = probabilities.cumsum(axis=1)[:, :-1]
    drawn = ((edges < rng.random((len(probabilities), 1))).sum(axis=1) for _ in range(draws))
    return float(np.mean([calibration_error(probabilities, label) for label in drawn]))


def wilson(found: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """The interval that holds the true share with 95 % confidence when `found` of `count` were seen (Wilson 1927)."""
    share, room = found / count, z * z / count
    middle = (share + room / 2) / (1 + room)
    reach = z / (1 + room) * float(np.sqrt(share * (1 - share) / count + room / (4 * count)))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _binned(score: Floats, outcome: NDArray[np.generic], bins: int) -> list[tuple[int, float, float]]:
    """For each of `bins` equal ranges of `score` [n]: (faces, mean score, mean `outcome`)."""
    which = np.minimum((score * bins).astype(int), bins - 1)
    rows = []
    for index in range(bins):
        inside = which == index
        count = int(inside.sum())
        rows.append((count, float(score[inside].mean()), float(outcome[inside].mean())) if count else (0, 0.0, 0.0))
    return rows


def _error(rows: list[tuple[int, float, float]]) -> float:
    total = sum(count for count, _, _ in rows)
    return sum(count * abs(score - outcome) for count, score, outcome in rows) / total
