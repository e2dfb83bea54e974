"""How long each shape of the zoo takes in int8, all in one race.

A time is that of a shape, not of weights, so the nets are random: a shape can be timed on any machine, long after the
run that was trained in it is gone. Needs torch.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.emotion import data, timing
from training.emotion.export import export
from training.emotion.model import EmotionNet, build
from training.emotion.quantise import quantise

RANGES = 64  # pictures that the int8 ranges are taken from; any will do


def race_shapes(names: Iterable[str], batches: tuple[int, ...]) -> dict[str, dict[str, float]]:
    """Milliseconds a face of each shape in `names`, as of `timing.race`."""
    torch.manual_seed(0)
    pictures = np.random.default_rng(0).integers(0, 256, (RANGES, data.TILE, data.TILE), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for name in names:
            source, files[name] = Path(folder) / f"{name}.fp32.onnx", Path(folder) / f"{name}.int8.onnx"
            export(_spread(build(name)).eval(), source)
            quantise(source, files[name], pictures, method="minmax")
        return timing.race(files, batches=batches)


def _spread(net: EmotionNet) -> EmotionNet:
    """A fresh net with norms as training makes them: zeros have no range, and onnxruntime leaves them in float."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
    return net
