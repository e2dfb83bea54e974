"""Trained network -> fp32 ONNX, with batch norms folded and the heads applied at every place; and that -> int8."""

import copy
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationMethod
from torch import Tensor, nn
from torch.nn import functional

from training.common import onnx_files
from training.emotion.data import FERPLUS8, SIDE
from training.emotion.model import GATE_GAIN, EmotionNet, Gate, Residual
from training.emotion.session import Session

QUANTISED_OPERATORS = ("Conv", "Add", "Relu", "Slice", "GlobalAveragePool", "Mul")  # the last two: in gates
TOLERANCE = 1e-3  # of a logit, torch against onnxruntime in fp32
BLOCK = 2  # pixels per side
WINDOW = 4
NOISE = 1.0  # grey levels squared, as in `model.Standardise`


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
        self.trunk = copy.deepcopy(network.trunk).eval()  # the exporter folds its batch norms
        for block in self.trunk:
            if isinstance(block, Residual) and isinstance(gate := block.body[2], Gate):
                block.body[2] = FoldedGate(gate)
                block.body[3].weight.data.mul_(GATE_GAIN)  # type: ignore[operator]
        self.bias = nn.Parameter(torch.cat([network.ferplus.bias, network.fer2013.bias]))
        with torch.no_grad():
            blank: Tensor = self.trunk(self.standardise(torch.zeros(1, SIDE, SIDE, 1)))
        self.height, self.width = blank.shape[2:]
        heads = torch.cat([network.ferplus.weight, network.fer2013.weight]).detach()
        self.maps = Maps(heads, self.height, self.width)
        stem = self.trunk[0]
        if isinstance(stem, nn.Conv2d) and fits(stem):
            self.trunk[0] = packed_stem(stem)
            self.standardise = PackedPixels()

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


def fits(stem: nn.Conv2d) -> bool:
    """Whether a convolution can be packed: 4x4, by steps of two, of one channel, without padding."""
    return (stem.in_channels, stem.kernel_size, stem.stride, stem.padding) == (1, (4, 4), (2, 2), (0, 0))


def packed(weight: Tensor) -> Tensor:
    """[o, 1, 4, 4] -> [o, 4, 2, 2]: channel 2 p + q is row p, column q of a block."""
    blocks = weight.reshape(-1, WINDOW // BLOCK, BLOCK, WINDOW // BLOCK, BLOCK)
    return blocks.permute(0, 2, 4, 1, 3).reshape(-1, BLOCK * BLOCK, WINDOW // BLOCK, WINDOW // BLOCK)


def packed_stem(stem: nn.Conv2d) -> nn.Conv2d:
    """The convolution over blocks that does what `stem`, one that `fits`, does over pixels.

    A window of 4x4 pixels that moves by two is one of 2x2 blocks of 2x2 pixels that moves by one. onnxruntime's int8
    kernels copy each window channel by channel, which takes longer than the products; a block's four pixels as its
    channels make that a quarter of the copies.
    """
    over_blocks = nn.Conv2d(BLOCK * BLOCK, stem.out_channels, WINDOW // BLOCK, bias=stem.bias is not None)
    over_blocks.weight = nn.Parameter(packed(stem.weight.detach()))
    over_blocks.bias = stem.bias
    return over_blocks


class PackedPixels(nn.Module):
    """`model.Standardise` and packing: uint8 [n, 48, 48, 1] -> float [n, 4, 24, 24]."""

    def forward(self, images: Tensor) -> Tensor:
        side = SIDE // BLOCK
        blocks = images.reshape(-1, side, BLOCK, side, BLOCK).permute(0, 1, 3, 2, 4)
        pixels = blocks.reshape(-1, side, side, BLOCK * BLOCK).to(torch.float32)
        return functional.layer_norm(pixels, (side, side, BLOCK * BLOCK), eps=NOISE).permute(0, 3, 1, 2)
