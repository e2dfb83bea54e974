"""What the detector's score says: the probability that there is a face.

A logistic regression on the logit of the network's score (Platt 1999, "Probabilistic Outputs for Support Vector
Machines"), fitted by likelihood on held-out photographs (``training.detector.evaluate``). It is strictly increasing:
the order of faces, and what the search makes of them, is that of the network's scores.
"""

import math
from dataclasses import dataclass

import numpy as np

from mien.domain import F32Array


@dataclass(frozen=True, slots=True)
class ScoreCalibration:
    """probability = sigmoid(``gain`` * logit(score) + ``bias``); ``gain`` is positive. As it stands: none."""

    gain: float = 1.0
    bias: float = 0.0

    def probability(self, scores: F32Array) -> F32Array:
        """Of the network's scores ``[n]``, 0..1: ``[n]``. In odds, which need no logarithm of 0."""
        held = scores.astype(np.float64)
        face, other = math.exp(self.bias) * held**self.gain, (1 - held) ** self.gain
        return np.asarray(face / (face + other), np.float32)

    def score(self, probability: float) -> float:
        """The network's score that has this probability, 0..1."""
        face = math.pow(probability * math.exp(-self.bias), 1 / self.gain)
        return face / (face + math.pow(1 - probability, 1 / self.gain))


AS_IT_IS = ScoreCalibration()
"""Of a network whose score is a probability, or is to be seen as it is."""
