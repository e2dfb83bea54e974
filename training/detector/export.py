"""Trained network -> fp32 ONNX, in the form that the service reads: uint8 NHWC BGR in; scores, box distances and
landmark offsets in pixels of the input out. Batch norms are folded. What a score means, the manifest says.
"""

import copy
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from training.common import onnx_files
from training.detector.model import MAX_LOG_DISTANCE, STRIDES, FaceDetector

SCORE_TOLERANCE = 1e-3  # float32 sums in another order
PIXEL_TOLERANCE = 0.05


class ExportNet(nn.Module):
    """The network as the file has it."""

    def __init__(self, network: FaceDetector) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).eval()  # the exporter folds its batch norms
        first = self.network.stem.get_submodule("0.0")
        first.weight.data.div_(255)  # type: ignore[operator]  # exact: zero padding stays zero
        self.network.scale = 1.0

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`images`: uint8 [n, h, w, 3] -> scores [n, cells], distances [n, cells, 4], offsets [n, cells, 10]."""
        levels = self.network.levels(images.permute(0, 3, 1, 2).float())
        scores, boxes, landmarks = [], [], []
        for stride, raw in zip(STRIDES, levels, strict=True):
            cells = raw.permute(0, 2, 3, 1).flatten(1, 2)
            scores.append(cells[..., 0].sigmoid())
            boxes.append(cells[..., 1:5].clamp(max=MAX_LOG_DISTANCE).exp() * stride)
            landmarks.append(cells[..., 5:] * stride)
        return torch.cat(scores, dim=1), torch.cat(boxes, dim=1), torch.cat(landmarks, dim=1)


def export(network: FaceDetector, path: Path) -> None:
    """Write `network` to `path`, and compare it with torch.

    Raises:
        ValueError: when onnxruntime's answers differ from torch's.
    """
    exported = ExportNet(network).eval()
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
