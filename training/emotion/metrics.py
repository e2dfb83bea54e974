"""Accuracy, divergence and calibration from logits, votes and labels (pure numpy; rows of probabilities sum to 1)."""

from typing import NamedTuple

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
    """Share of faces whose top class is `label` [n]; nan without faces."""
    return float((probabilities.argmax(axis=1) == label).mean()) if len(label) else float("nan")


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


def calibration_error(score: Floats, outcome: NDArray[np.generic], bins: int = 15) -> float:
    """Expected calibration error: how far mean `score` [n] and mean `outcome` [n] lie apart in each of `bins` equal
    ranges of the score, weighted by how many fall into it."""
    which = np.minimum((score * bins).astype(int), bins - 1)
    gaps = np.bincount(which, score - outcome.astype(np.float64), bins)
    return float(np.abs(gaps).sum() / len(score))


def wilson(found: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share of which `found` of `count` were seen (Wilson 1927)."""
    share, room = found / count, z * z / count
    middle = (share + room / 2) / (1 + room)
    reach = z / (1 + room) * float(np.sqrt(share * (1 - share) / count + room / (4 * count)))
    return max(0.0, middle - reach), min(1.0, middle + reach)


class CrossFit(NamedTuple):
    """Every face scored at the temperature of the half that it is not in."""

    halves: tuple[float, float]  # fitted on the even rows, on the odd rows
    everywhere: float  # fitted on both: what ships
    probabilities: NDArray[np.float64]  # [n, k]; the even rows at halves[1], the odd ones at halves[0]


def vote_likelihood(logits: NDArray[np.floating], votes: NDArray[np.floating], temperature: float) -> float:
    """Mean log-likelihood per vote, in nats, of `votes` [n, k] under softmax(logits [n, k] / temperature)."""
    log_probabilities = np.log(np.maximum(softmax(logits, temperature), 1e-300))
    return float((votes * log_probabilities).sum() / votes.sum())


def fit_temperature(logits: NDArray[np.floating], votes: NDArray[np.floating], steps: int = 40) -> float:
    """The temperature of greatest likelihood, by golden-section search over 0.25..4 (the likelihood has one peak)."""
    golden = (np.sqrt(5) - 1) / 2
    low, high = np.log(0.25), np.log(4.0)
    for _ in range(steps):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if vote_likelihood(logits, votes, float(np.exp(left))) < vote_likelihood(logits, votes, float(np.exp(right))):
            low = left
        else:
            high = right
    return float(np.exp((low + high) / 2))


def cross_fit(logits: NDArray[np.floating], votes: NDArray[np.floating]) -> CrossFit:
    """Fit on each half of the faces (even and odd rows) and score the other; logits and votes are [n, k]."""
    even = np.arange(len(logits)) % 2 == 0
    from_even, from_odd = (fit_temperature(logits[rows], votes[rows]) for rows in (even, ~even))
    temperatures = np.where(even, from_odd, from_even)
    scaled = logits / temperatures[:, None]
    return CrossFit((from_even, from_odd), fit_temperature(logits, votes), softmax(scaled))
