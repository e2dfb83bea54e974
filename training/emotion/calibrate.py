"""One temperature a head, fitted by likelihood of the votes."""

import numpy as np
from numpy.typing import NDArray

from training.emotion.metrics import softmax


def vote_likelihood(logits: NDArray[np.float32], votes: NDArray[np.floating], temperature: float) -> float:
    """Mean log-likelihood a vote, in nats, of `votes` [n, k] under softmax(logits [n, k] / temperature)."""
    log_probabilities = np.log(np.maximum(softmax(logits, temperature), 1e-300))
    return float((votes * log_probabilities).sum() / votes.sum())


def fit_temperature(logits: NDArray[np.float32], votes: NDArray[np.floating], steps: int = 40) -> float:
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


def halves(count: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Even and odd rows: a fixed split of `count` faces in two."""
    even = np.arange(count) % 2 == 0
    return even, ~even
