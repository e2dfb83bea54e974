"""Trained network -> fp32 ONNX, in the form that the service reads: uint8 NHWC BGR in; calibrated scores, box distances
and landmark offsets in pixels of the input out. Batch norms are folded.

The score means presence at every size: it is a logistic regression on the network's logit and the box's size, fitted on
held-out photographs by likelihood (Platt 1999, with the logarithm of the box's side as a second feature). Of the
detections with a score of 0.8, about 80 % are faces, small and large ones alike.
"""

import copy
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from torch import Tensor, nn

from training.common import onnx_files
from training.detector.data import FloatArray
from training.detector.model import MAX_LOG_DISTANCE, STRIDES, FaceDetector

SCORE_TOLERANCE = 1e-3  # float32 sums in another order
PIXEL_TOLERANCE = 0.05
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
        chance = 1 / (1 + np.exp(-np.clip(features @ weights, -30, 30)))
        gradient = features.T @ (right - chance) - ridge @ (weights - [1.0, 0.0, 0.0])
        curvature = (features * (chance * (1 - chance))[:, None]).T @ features + ridge
        move = np.linalg.solve(curvature, gradient)
        weights = weights + move / max(1.0, float(np.abs(move).max()))  # detections that a line tells apart: no leaps
    return Calibration(*(float(weight) for weight in weights))


class ExportNet(nn.Module):
    """The network as the file has it; its score is calibrated."""

    def __init__(self, network: FaceDetector, calibration: Calibration) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).eval()  # the exporter folds its batch norms
        first = self.network.stem.get_submodule("0.0")
        first.weight.data.div_(255)  # type: ignore[operator]  # exact: zero padding stays zero
        self.network.scale = 1.0
        self.calibration = calibration

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`images`: uint8 [n, h, w, 3] -> scores [n, cells], distances [n, cells, 4], offsets [n, cells, 10]."""
        levels = self.network.levels(images.permute(0, 3, 1, 2).float())
        logits, boxes, landmarks = [], [], []
        for stride, raw in zip(STRIDES, levels, strict=True):
            cells = raw.permute(0, 2, 3, 1).flatten(1, 2)
            logits.append(cells[..., 0])
            boxes.append(cells[..., 1:5].clamp(max=MAX_LOG_DISTANCE).exp() * stride)
            landmarks.append(cells[..., 5:] * stride)
        distances = torch.cat(boxes, dim=1)
        return self.calibration(torch.cat(logits, dim=1), distances), distances, torch.cat(landmarks, dim=1)


def export(network: FaceDetector, calibration: Calibration, path: Path) -> None:
    """Write `network` to `path`, and compare it with torch.

    Raises:
        ValueError: when onnxruntime's answers differ from torch's.
    """
    exported = ExportNet(network, calibration).eval()
    answers = {name: {0: "n", 1: "cells"} for name in ("scores", "boxes", "landmarks")}
    example = torch.randint(0, 256, (1, 96, 128, 3), dtype=torch.uint8)
    onnx_files.write(exported, example, path, {"images": {0: "n", 1: "h", 2: "w"}, **answers})
    _compare(exported, path)


@torch.no_grad()
def _compare(exported: ExportNet, path: Path) -> None:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    for size in ((64, 96), (320, 256)):
        images = rng.integers(0, 256, (2, *size, 3), dtype=np.uint8)
        for ours, theirs, most in zip(
            exported(torch.from_numpy(images)),
            session.run(None, {"images": images}),
            (SCORE_TOLERANCE, PIXEL_TOLERANCE, PIXEL_TOLERANCE),
            strict=True,
        ):
            difference = float(np.abs(ours.numpy() - theirs).max())
            if difference > most:
                raise ValueError(f"torch and onnxruntime differ by {difference:.1e}, more than {most}")
