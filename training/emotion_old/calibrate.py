"""One temperature a head, fitted by likelihood, and what a score then means.

Ten raters of a face seldom agree, so "how many of them say happy" and "is happy what most of them say" are different
questions with different temperatures: the winner of a protocol A face holds 83 % of the votes on average and is still
the right answer every time. `Meaning` names the question; no temperature answers both.
"""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.emotion import metrics, targets
from training.emotion.metrics import softmax


class Meaning(StrEnum):
    """What a score of the crowd head estimates; the value stands in the manifest as `fitted_to`."""

    MAJORITY = "majority"  # the chance that this label is the one that most raters choose
    CLEAR_MAJORITY = (
        "clear_majority"  # the same, fitted to the faces of which one label has more than half of the votes
    )
    VOTES = "votes"  # the share of raters who choose this label
    VOTES_WITHOUT_LONE_ONES = "votes_without_lone_ones"  # the same after the FER+ authors' cleaning (edition 1)


class CrossFit(NamedTuple):
    """Every face scored at the temperature of the half that it is not in."""

    halves: tuple[float, float]  # fitted on the even rows, on the odd rows
    everywhere: float  # fitted on both: what ships
    probabilities: NDArray[np.float64]  # [n, k]; the even rows at halves[1], the odd ones at halves[0]


def fitted_votes(votes: NDArray[np.int64], meaning: Meaning) -> NDArray[np.float64]:
    """The votes [n, 8] whose likelihood a temperature is fitted to, from all ten columns [n, 10].

    Rows weigh as much as they sum to: a face that nobody gave an emotion counts for nothing.
    """
    emotions = votes[:, : targets.EMOTIONS].astype(np.float64)
    if meaning is Meaning.VOTES:
        return emotions
    if meaning is Meaning.CLEAR_MAJORITY:
        kept, label = targets.protocol_a(votes)
        return np.eye(targets.EMOTIONS)[np.where(kept, label, 0)] * kept[:, None]
    if meaning is Meaning.MAJORITY:
        one_hot: NDArray[np.float64] = np.eye(targets.EMOTIONS)[targets.protocol_b(votes)]
        one_hot[emotions.sum(axis=1) == 0] = 0
        return one_hot
    made = targets.vote_targets(votes)
    return made.distribution.astype(np.float64) * made.weight[:, None]


def vote_likelihood(logits: NDArray[np.float32], votes: NDArray[np.floating], temperature: float) -> float:
    """Mean log-likelihood a vote, in nats, of `votes` [n, k] under softmax(logits [n, k] / temperature)."""
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


def halves(count: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Even and odd rows: a fixed split of `count` faces in two."""
    even = np.arange(count) % 2 == 0
    return even, ~even


def cross_fit(logits: NDArray[np.float32], votes: NDArray[np.floating]) -> CrossFit:
    """Fit on each half of the faces and score the other; logits and votes are [n, k]."""
    even, odd = halves(len(logits))
    from_even, from_odd = (fit_temperature(logits[rows], votes[rows]) for rows in (even, odd))
    temperatures = np.where(even, from_odd, from_even)
    scaled = logits / temperatures[:, None]
    return CrossFit((from_even, from_odd), fit_temperature(logits, votes), softmax(scaled))


class HeldOutError(NamedTuple):
    """Expected calibration errors (fractions, 15 bins, hard labels) of faces at the other half's temperature."""

    halves: float  # of each half by itself, averaged
    pooled: float  # of all of them at once: the same honesty, half of the noise
    signed: float  # pooled mean score minus share of right answers: below 0 is too modest
    untouched: float  # pooled, at temperature 1
    perfect_halves: float  # what a perfectly calibrated model would show, since bins of few faces scatter
    perfect_pooled: float
    n: int


def held_out_error(
    fit: CrossFit, logits: NDArray[np.float32], label: NDArray[np.int64], judged: NDArray[np.bool_]
) -> HeldOutError:
    """Errors on the faces that `judged` [n] marks; `label` is [n]."""
    even, odd = (rows[judged] for rows in halves(len(judged)))
    probabilities, answer = fit.probabilities[judged], label[judged]
    by_half = [metrics.calibration_error(probabilities[rows], answer[rows]) for rows in (even, odd)]
    lucky = [metrics.noise_floor(probabilities[rows]) for rows in (even, odd)]
    return HeldOutError(
        halves=sum(by_half) / 2,
        pooled=metrics.calibration_error(probabilities, answer),
        signed=float(probabilities.max(axis=1).mean()) - metrics.accuracy(probabilities, answer),
        untouched=metrics.calibration_error(softmax(logits[judged]), answer),
        perfect_halves=sum(lucky) / 2,
        perfect_pooled=metrics.noise_floor(probabilities),
        n=int(judged.sum()),
    )
