"""Crowd votes -> training targets and evaluation labels (pure numpy)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.emotion.data import NO_LABEL

EMOTIONS = 8  # the vote columns after these are `unknown` and `NF` (no face)


class Targets(NamedTuple):
    """What a head with k classes is trained on."""

    distribution: NDArray[np.float32]  # [n, k], rows sum to 1 (uniform where the weight is 0)
    weight: NDArray[np.float32]  # [n], how far to trust a row

    def rows(self, chosen: NDArray[np.int64]) -> "Targets":
        """The rows that `chosen` names by index."""
        return Targets(self.distribution[chosen], self.weight[chosen])


def drop_single_votes(votes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Set lone votes to zero, as the FER+ authors do (Barsoum et al. 2016): [n, 10] -> [n, 10]."""
    return np.where(votes > 1, votes, 0)


def vote_targets(votes: NDArray[np.int64]) -> Targets:
    """Distribution over the eight emotions, and how far to trust it.

    Faces whose raters mostly said `unknown` or `NF` get weight 0; elsewhere the weight falls with those votes.
    """
    kept = drop_single_votes(votes)
    emotions = kept[:, :EMOTIONS].astype(np.float32)
    mass = emotions.sum(axis=1)
    total = kept.sum(axis=1).astype(np.float32)
    usable = (mass > 0) & (2 * mass > total)
    weight = np.where(usable, mass / np.maximum(total, 1), 0.0)
    uniform = np.full_like(emotions, 1 / EMOTIONS)
    distribution = np.where(usable[:, None], emotions / np.maximum(mass, 1)[:, None], uniform)
    return Targets(distribution.astype(np.float32), weight.astype(np.float32))


def label_targets(label: NDArray[np.int64], classes: int) -> Targets:
    """One label per face [n] -> one-hot targets; a face without a label (NO_LABEL) gets weight 0."""
    known = label != NO_LABEL
    one_hot = np.eye(classes, dtype=np.float32)[np.where(known, label, 0)]
    distribution = np.where(known[:, None], one_hot, np.float32(1 / classes))
    return Targets(distribution, known.astype(np.float32))


def rarity(targets: Targets, power: float) -> NDArray[np.float32]:
    """A factor per face [n], of weighted mean 1: its classes' frequencies to the power of minus `power`.

    Contempt is a hundredth as frequent as neutral; at `power` 0.25 it counts three times as much. A face without labels
    (weight 0), which only teachers label, has factor 1.
    """
    frequency = np.average(targets.distribution, axis=0, weights=targets.weight)
    factor = targets.distribution @ np.maximum(frequency, 1e-6) ** -power
    scaled = factor / np.average(factor, weights=targets.weight)
    labelled: NDArray[np.float32] = np.where(targets.weight > 0, scaled, 1).astype(np.float32)
    return labelled


def protocol_a(votes: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Protocol A: (kept [n], label [n]).

    A face is kept when, lone votes dropped, its top class has more than half of the remaining votes and is neither
    `unknown` nor `NF`. Labels of dropped faces are meaningless.
    """
    kept = drop_single_votes(votes)
    label = kept.argmax(axis=1)
    top = kept.max(axis=1)
    return (2 * top > kept.sum(axis=1)) & (label < EMOTIONS), label


def protocol_b(votes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Protocol B: the most voted of the eight emotions, for every face (ties: the first)."""
    label: NDArray[np.int64] = votes[:, :EMOTIONS].argmax(axis=1)
    return label
