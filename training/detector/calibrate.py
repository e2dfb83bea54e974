"""A score that means presence at every size: a logistic regression on the network's logit and the box's size.

Fitted on held-out photographs by likelihood (Platt 1999, with the logarithm of the box's side as a second feature), and
part of the graph: of the detections with a score of 0.8, about 80 % are faces, small and large ones alike.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from training.detector.data import FloatArray

REFERENCE = 32.0  # px: the side at which the size adds nothing


class Calibration(nn.Module):
    """score = sigmoid(gain * logit + bias + slope * log2(side / 32)), sides clamped to 4..256 px of the input."""

    def __init__(self, gain: float = 1.0, bias: float = 0.0, slope: float = 0.0) -> None:
        super().__init__()
        self.gain, self.bias, self.slope = gain, bias, slope

    def forward(self, logits: Tensor, distances: Tensor) -> Tensor:
        """`logits` [n, cells] and distances [n, cells, 4] (left, top, right, bottom, px) -> scores [n, cells]."""
        width, height = distances[..., 0] + distances[..., 2], distances[..., 1] + distances[..., 3]
        side = torch.sqrt(width * height).clamp(4.0, 256.0)
        size = torch.log(side / REFERENCE) * (1 / math.log(2.0))
        return torch.sigmoid(self.gain * logits + self.bias + self.slope * size)


def fit(scores: FloatArray, sides: FloatArray, right: npt.NDArray[np.bool_], steps: int = 50) -> Calibration:
    """The calibration of greatest likelihood for detections [n] of an uncalibrated network (`scores` are its sigmoid),
    whose `sides` are in pixels of the input; `right`: whether each is a face. Newton's method."""
    clipped = np.clip(scores.astype(np.float64), 1e-6, 1 - 1e-6)
    logits = np.log(clipped / (1 - clipped))
    size = np.log2(np.clip(sides.astype(np.float64), 4, 256) / REFERENCE)
    features = np.stack([logits, np.ones_like(logits), size], axis=1)
    weights = np.array([1.0, 0.0, 0.0])
    ridge = 1e-3 * np.eye(3)
    for _ in range(steps):
        chance = 1 / (1 + np.exp(-features @ weights))
        gradient = features.T @ (right - chance) - ridge @ (weights - [1.0, 0.0, 0.0])
        curvature = (features * (chance * (1 - chance))[:, None]).T @ features + ridge
        weights = weights + np.linalg.solve(curvature, gradient)
    return Calibration(*(float(weight) for weight in weights))
