"""Trained network -> fp32 ONNX, with batch norms folded and the heads applied at every place; and that -> int8."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationMethod
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from training.common import onnx_files
from training.emotion import packing
from training.emotion.data import FERPLUS8, SIDE
from training.emotion.model import GATE_GAIN, EmotionNet, Gate, Residual
from training.emotion.session import Session

QUANTISED_OPERATORS = ("Conv", "Add", "Relu", "Slice", "GlobalAveragePool", "Mul")  # the last two: in gates
TOLERANCE = 1e-3  # of a logit, torch against onnxruntime in fp32


class ExportOutputs(NamedTuple):
    """The contract with the service; field names are the ONNX output names."""

    ferplus: Tensor  # [n, 8] logits
    fer2013: Tensor  # [n, 7] logits
    features: Tensor  # [n, c, h, w]
    activation: Tensor  # [n, 8, k, k], class-activation maps of the whole picture


class ExportNet(nn.Module):
    """The network as the file has it.

    A linear head of the mean is the mean of a linear head, so the class-activation maps come for free and the logits
    are their means plus the bias.
    """

    def __init__(self, network: EmotionNet) -> None:
        super().__init__()
        self.standardise: nn.Module = network.standardise
        self.trunk = _fold(network.trunk)
        self.bias = nn.Parameter(torch.cat([network.ferplus.bias, network.fer2013.bias]))
        with torch.no_grad():
            blank: Tensor = self.trunk(self.standardise(torch.zeros(1, SIDE, SIDE, 1)))
        self.height, self.width = blank.shape[2:]
        heads = torch.cat([network.ferplus.weight, network.fer2013.weight]).detach()
        self.maps = Maps(heads, self.height, self.width)
        stem = self.trunk[0]
        if packing.fits(stem):
            assert isinstance(stem, nn.Conv2d)
            self.trunk[0] = packing.packed_stem(stem)
            self.standardise = packing.PackedPixels()

    def forward(self, images: Tensor) -> ExportOutputs:
        """`images`: uint8 [n, 48, 48, 1]."""
        features = self.trunk(self.standardise(images))
        maps = self._squared(self.maps(features))
        logits = maps.mean(dim=(2, 3)) + self.bias
        votes = len(FERPLUS8)
        return ExportOutputs(logits[:, :votes], logits[:, votes:], features, maps[:, :votes])

    def _squared(self, maps: Tensor) -> Tensor:
        """Maps [n, c, h, w] that lack a column -> [n, c, h, h], with the same means; others as they are.

        Each cell is then half of two cells of the square. Pooling does that cell by cell, whatever the batch;
        onnxruntime sums the cells of 6x5 in an order that depends on their place in memory.
        """
        if self.height == self.width:
            return maps
        halves: Tensor = functional.avg_pool2d(maps, (1, 2), stride=1, padding=(0, 1))
        return halves * (self.height / self.width)


class Maps(nn.Module):
    """Linear heads at every place: [n, c, h, w] -> [n, heads, h, w], as one product per face.

    As a 1x1 convolution onnxruntime would first sort the channels into blocks; as one product of all faces' places it
    would pick other kernels for few rows than for many, and the logits would differ by a bit with the batch.
    """

    def __init__(self, heads: Tensor, height: int, width: int) -> None:
        """`heads`: [heads, c]."""
        super().__init__()
        self.weight = nn.Parameter(heads)
        self.height, self.width = height, width

    def forward(self, features: Tensor) -> Tensor:
        heads, channels = self.weight.shape
        places = features.reshape(-1, channels, self.height * self.width)
        return torch.matmul(self.weight, places).reshape(-1, heads, self.height, self.width)


class FoldedGate(nn.Module):
    """A `Gate` whose gain is part of the convolution after it."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self.gate = gate

    def forward(self, x: Tensor) -> Tensor:
        """`x`: [n, width, h, w]."""
        active = torch.relu(x)
        return active * self.gate.openness(active)


def export(network: EmotionNet, path: Path) -> None:
    """Write `network` to `path` as fp32 ONNX with a dynamic batch, and compare it with torch.

    Raises:
        ValueError: when onnxruntime's logits differ from torch's by more than `TOLERANCE`.
    """
    example = torch.randint(0, 256, (2, SIDE, SIDE, 1), dtype=torch.uint8)
    axes = {name: {0: "n"} for name in ("images", *ExportOutputs._fields)}
    onnx_files.write(ExportNet(network), example, path, axes)
    difference = parity(network, path)
    if difference > TOLERANCE:
        raise ValueError(f"torch and onnxruntime differ by {difference:.1e} of a logit, more than {TOLERANCE}")


def quantise(source: Path, target: Path, images: NDArray[np.uint8], percentile: float = 99.999) -> None:
    """Write `source` (fp32) to `target` in int8, its ranges measured on `images` [n, 48, 48]."""
    model = onnx.load(source)
    batches = (images[start : start + 32, ..., None] for start in range(0, len(images), 32))
    method, options = CalibrationMethod.Percentile, {"CalibPercentile": percentile}
    onnx_files.quantise(model, target, batches, QUANTISED_OPERATORS, float_nodes(model), method, options)


def float_nodes(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes that stay in float: all before the first convolution, the gates' convolutions of single
    numbers, the heads' product and all after. They cost next to nothing, and an error there reaches the scores."""
    nodes = list(model.graph.node)
    convolutions = [index for index, node in enumerate(nodes) if node.op_type == "Conv"]
    (heads,) = (index for index, node in enumerate(nodes) if node.op_type == "MatMul")
    gates = [nodes[index] for index in convolutions if nodes[index].input[1].endswith((".squeeze", ".excite"))]
    return [node.name for node in (*nodes[: convolutions[0]], *gates, *nodes[heads:])]


@torch.inference_mode()
def parity(network: EmotionNet, path: Path, count: int = 64) -> float:
    """Largest difference of a logit between torch and onnxruntime over `count` pictures of noise and ramps."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, SIDE, SIDE), dtype=np.uint8)
    images[count // 2 :] = np.linspace(0, 255, SIDE, dtype=np.uint8) // rng.integers(1, 9, (count - count // 2, 1, 1))
    ours = network(torch.from_numpy(images[..., None]))
    theirs = Session(path).logits(images)
    return max(
        float(np.abs(ours.ferplus.numpy() - theirs.ferplus).max()),
        float(np.abs(ours.fer2013.numpy() - theirs.fer2013).max()),
    )


def _fold(trunk: nn.Sequential) -> nn.Sequential:
    """A copy whose batch norms are part of the convolutions before them, a gate's gain of the one after it."""
    layers: list[nn.Module] = []
    for layer in trunk:
        if isinstance(layer, nn.BatchNorm2d):
            convolution = layers.pop()
            assert isinstance(convolution, nn.Conv2d)
            folded = fuse_conv_bn_eval(convolution, layer)
            if layers and isinstance(layers[-1], FoldedGate):
                folded.weight = nn.Parameter(folded.weight * GATE_GAIN)
            layers.append(folded)
        elif isinstance(layer, Residual):
            layers.append(_fold_block(layer))
        elif isinstance(layer, Gate):
            layers.append(FoldedGate(layer))
        else:
            layers.append(layer)
    return nn.Sequential(*layers).eval()


def _fold_block(block: Residual) -> Residual:
    folded = Residual.__new__(Residual)
    nn.Module.__init__(folded)
    folded.inset, folded.stride = block.inset, block.stride
    folded.body = _fold(block.body)
    folded.shortcut = _fold(block.shortcut) if isinstance(block.shortcut, nn.Sequential) else block.shortcut
    return folded
