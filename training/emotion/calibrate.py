"""One temperature per head, fitted by likelihood (Guo et al. 2017, arXiv:1706.04599).

The FER+ head's is fitted to every vote: a score is then the expected share of raters who choose that label. The
FER2013 head's is fitted to the labels.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.emotion.metrics import softmax


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
