"""The emotion classifier: grey crops in, calibrated scores out; valence and uncertainty of the scores."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.domain import LABELS, F32Array, LabelSet, U8Array
from mien.errors import ModelUnreadable
from mien.runtime import Session

ACTIVATION = "activation"

# Pleasure of each emotion word on -1..1: Russell & Mehrabian (1977), "Evidence for a three-factor theory of
# emotions", Journal of Research in Personality 11, 273-294, as commonly reproduced. Contempt is not among the terms
# commonly reproduced and takes the value of disgust; neutral is the middle of the scale.
VALENCE = {
    "neutral": 0.0,
    "happy": 0.81,
    "surprise": 0.40,
    "sad": -0.63,
    "angry": -0.51,
    "disgust": -0.60,
    "fear": -0.64,
    "contempt": -0.60,
}

# A score is the expected share of raters who choose a label. Below this no label is expected to get half of the votes.
CERTAIN_SCORE = 0.5


@dataclass(frozen=True, slots=True)
class Head:
    """One classification head: the graph's output, its labels in order and its temperature (Guo et al. 2017)."""

    output: str
    labels: tuple[str, ...]
    temperature: float


@dataclass(frozen=True, slots=True)
class ClassifierSpec:
    """The ``[heads.*]`` tables of the manifest."""

    ferplus8: Head
    fer2013: Head

    @classmethod
    def from_manifest(cls, heads: Mapping[str, Any]) -> "ClassifierSpec":
        """Raises ``ModelUnreadable`` if a head is missing, incomplete or has other labels."""
        return cls(_head(heads, LabelSet.FERPLUS8), _head(heads, LabelSet.FER2013))

    @property
    def outputs(self) -> tuple[str, str, str]:
        """Names of the graph's outputs to read, in the order of ``Logits``."""
        return self.ferplus8.output, self.fer2013.output, ACTIVATION


def _head(heads: Mapping[str, Any], labels: LabelSet) -> Head:
    try:
        table = heads[labels.value]
        head = Head(str(table["output"]), tuple(map(str, table["labels"])), float(table["temperature"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnreadable(f"The emotion manifest's [heads.{labels.value}] is incomplete: {error!r}.") from error
    if set(head.labels) != set(LABELS[labels]):
        raise ModelUnreadable(f"The emotion manifest's [heads.{labels.value}] has unknown labels.")
    if not (0 < head.temperature < math.inf):
        raise ModelUnreadable(f"The emotion manifest's [heads.{labels.value}] has a temperature that is not positive.")
    return head


@dataclass(frozen=True, slots=True, eq=False)
class Logits:
    """The network's output for one face: ``ferplus8`` ``[8]``, ``fer2013`` ``[7]``, and the class-activation map of the
    FER+ head, ``activation`` ``[8, k, k]``."""

    ferplus8: F32Array
    fer2013: F32Array
    activation: F32Array


class EmotionClassifier:
    """Runs crops through the network and decodes its heads."""

    def __init__(self, session: Session, spec: ClassifierSpec) -> None:
        self._session = session
        self.spec = spec

    def run(self, crops: Sequence[U8Array]) -> list[Logits]:
        """One ``Logits`` per grey crop ``uint8 [48, 48]``, in one batch; the graph normalises."""
        ferplus8, fer2013, activation = self._session.run(np.stack(crops)[..., None])
        return [Logits(*rows) for rows in zip(ferplus8, fer2013, activation, strict=True)]

    def decode(self, logits: Logits, labels: LabelSet) -> dict[str, float]:
        """Calibrated probability of each label, in the order of ``LABELS``, summing to 1.

        ``basic7`` and ``basic5`` are the FER+ head's scores without contempt, renormalised; in ``basic5`` fear and
        disgust go to surprise, as in the five-class labels of mobile and driver-monitoring data sets.
        """
        if labels is LabelSet.FER2013:
            return _probabilities(logits.fer2013, self.spec.fer2013, labels)
        if labels is not LabelSet.BASIC5:
            return _probabilities(logits.ferplus8, self.spec.ferplus8, labels)
        seven = _probabilities(logits.ferplus8, self.spec.ferplus8, LabelSet.BASIC7)
        five = {label: seven[label] for label in LABELS[labels]}
        five["surprise"] += seven["fear"] + seven["disgust"]
        return five

    def activation(self, logits: Logits, emotion: str) -> F32Array:
        """Class-activation map of ``emotion``: float32 ``[k, k]``, scaled to 0..1 (Zhou et al. 2016)."""
        heat = logits.activation[self.spec.ferplus8.labels.index(emotion)]
        low, high = float(heat.min()), float(heat.max())
        return np.asarray((heat - low) / max(high - low, 1e-6), dtype=np.float32)


def _probabilities(logits: F32Array, head: Head, labels: LabelSet) -> dict[str, float]:
    """Softmax over the logits of ``labels``, which may be fewer than the head's."""
    rows = [head.labels.index(label) for label in LABELS[labels]]
    scaled = logits[rows].astype(np.float64) / head.temperature
    weights = np.exp(scaled - scaled.max())
    return dict(zip(LABELS[labels], (weights / weights.sum()).tolist(), strict=True))


def valence(scores: Mapping[str, float]) -> float:
    """Expected pleasure under the scores, -0.64..0.81."""
    return sum(VALENCE[label] * score for label, score in scores.items())


def is_uncertain(scores: Mapping[str, float]) -> bool:
    """Whether no label is expected to get half of the votes."""
    return max(scores.values()) < CERTAIN_SCORE
