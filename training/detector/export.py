"""Trained network -> fp32 ONNX by torch.onnx.export, in the form that the service reads.

uint8 NHWC BGR in; scores, box distances and landmark offsets in pixels of the input out. Batch norms are folded.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from training.detector.calibrate import Calibration
from training.detector.model import MAX_LOG_DISTANCE, STRIDES, ConvBnRelu, FaceDetector

OPSET = 17
SCORE_TOLERANCE = 1e-3  # float32 sums in another order
PIXEL_TOLERANCE = 0.05


class ExportNet(nn.Module):
    """The network as the file has it; its score is calibrated (see `calibrate`)."""

    def __init__(self, network: FaceDetector, calibration: Calibration) -> None:
        super().__init__()
        self.network = _folded(network).eval()
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
    axes = {
        "images": {0: "n", 1: "h", 2: "w"},
        **{name: {0: "n", 1: "cells"} for name in ("scores", "boxes", "landmarks")},
    }
    example = torch.randint(0, 256, (1, 96, 128, 3), dtype=torch.uint8)
    with warnings.catch_warnings():
        # The tracing exporter needs no further package and writes a static graph without loose ends.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            exported,
            (example,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["images"],
            output_names=["scores", "boxes", "landmarks"],
            dynamic_axes=axes,
        )
    onnx.checker.check_model(onnx.load(path), full_check=True)
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


def _folded(network: FaceDetector) -> FaceDetector:
    """A copy whose batch norms are part of the convolutions before them, and whose first one divides by 255."""
    copy = FaceDetector(network.config)
    copy.load_state_dict(network.state_dict())
    copy.eval()
    for block in [module for module in copy.modules() if isinstance(module, ConvBnRelu)]:
        convolution, norm = block[0], block[1]
        assert isinstance(convolution, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        block[0], block[1] = fuse_conv_bn_eval(convolution, norm), nn.Identity()
    first = copy.stem[0]
    assert isinstance(first, nn.Sequential)
    assert isinstance(first[0], nn.Conv2d)
    first[0].weight = nn.Parameter(first[0].weight / 255)  # exact: zero padding stays zero
    copy.scale = 1.0
    return copy
