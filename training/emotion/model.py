"""The emotion network: a plain convolution + batch norm + ReLU residual network on one grey 48x48 face.

Its filters are tied in mirrored pairs (see `symmetry`), and gates scale channels in its later blocks.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.emotion.data import BASIC7, FERPLUS8


class Stem(NamedTuple):
    """A convolution before the first stage."""

    width: int
    stride: int
    kernel: int = 3
    padding: int = 1


class Stage(NamedTuple):
    """Residual blocks of one width; `inner` is the width between a block's two convolutions (0: the same)."""

    width: int
    blocks: int
    stride: int  # of the first block
    inner: int = 0
    padding: tuple[int, int] = (1, 1)  # of the first block's first convolution: rows, columns
    gated: bool = False


@dataclass(frozen=True)
class Shape:
    """Widths and depths. Strided windows lie symmetrically on 48 (or 47), 23, 11 and 6 pixels: mirroring needs that."""

    stem: tuple[Stem, ...]
    stages: tuple[Stage, ...]


SHAPES = {
    # 80 million multiply-adds. The last stage has 5 columns: 30 places are five blocks of 6 for onnxruntime's kernels.
    "student": Shape(
        (Stem(32, 2, 4, 0),),
        (
            Stage(48, 1, 1),
            Stage(96, 1, 2, padding=(0, 0), gated=True),
            Stage(256, 2, 2, 192, padding=(1, 0), gated=True),
        ),
    ),
    # 224 million multiply-adds.
    "teacher": Shape(
        (Stem(32, 1, 2, 0), Stem(32, 1)),
        (Stage(64, 2, 2, padding=(0, 0)), Stage(128, 2, 2, padding=(0, 0), gated=True), Stage(256, 2, 2, gated=True)),
    ),
    # For runs of minutes.
    "small": Shape((Stem(16, 2, 4, 0),), (Stage(24, 1, 1), Stage(32, 1, 2, padding=(0, 0)), Stage(48, 1, 2))),
}


class Outputs(NamedTuple):
    """The network's outputs on n faces; the names are those of the ONNX outputs."""

    ferplus: Tensor  # [n, 8] logits, order FERPLUS8
    fer2013: Tensor  # [n, 7] logits, order BASIC7
    features: Tensor  # [n, c, h, w], the last feature map


class Standardise(nn.Module):
    """uint8 [n, 48, 48, 1] -> float [n, 1, 48, 48] of mean 0 and standard deviation 1 per picture.

    Per picture, so that a face's scores do not depend on its neighbours in a batch.
    """

    def forward(self, images: Tensor) -> Tensor:
        pixels = images.to(torch.float32).permute(0, 3, 1, 2)
        centred = pixels - pixels.mean(dim=(1, 2, 3), keepdim=True)
        variance = (centred * centred).mean(dim=(1, 2, 3), keepdim=True)
        # One grey level of noise floor keeps a blank crop at zero instead of amplifying its rounding errors.
        return centred / torch.sqrt(variance + 1.0)


GATE_GAIN = 2.0  # a fresh gate is half open and scales by 1: it begins as a plain ReLU


class Gate(nn.Module):
    """relu(x) with each channel scaled by what all channels show of the whole face: squeeze-and-excitation (Hu et al.
    2018, arXiv:1709.01507). Weights are bare parameters: they have no batch norm to fold."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = 2 * max(1, width // 8)  # even: hidden channels are mirrored in pairs, too
        self.squeeze = nn.Parameter(torch.empty(hidden, width, 1, 1))
        self.squeeze_bias = nn.Parameter(torch.zeros(hidden))
        self.excite = nn.Parameter(torch.zeros(width, hidden, 1, 1))
        self.excite_bias = nn.Parameter(torch.zeros(width))
        nn.init.kaiming_normal_(self.squeeze, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """`x`: [n, width, h, w]."""
        active = torch.relu(x)
        return active * (GATE_GAIN * self.openness(active))

    def openness(self, active: Tensor) -> Tensor:
        """The scale of each channel of relu(x) before the gain: [n, width, 1, 1], in 0..1."""
        # An operator of its own: the sum of a mean over axes depends on a tensor's place in memory.
        pooled = functional.adaptive_avg_pool2d(active, 1)
        hidden = torch.relu(functional.conv2d(pooled, self.squeeze, self.squeeze_bias))
        return torch.sigmoid(functional.conv2d(hidden, self.excite, self.excite_bias))


class Residual(nn.Module):
    """relu(x + conv(relu(conv(x)))), the shortcut projected by a 1x1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stage: Stage, *, first: bool) -> None:
        super().__init__()
        inner = stage.inner or stage.width
        self.stride, padding = (stage.stride, stage.padding) if first else (1, (1, 1))
        activation = Gate(inner) if stage.gated else nn.ReLU()
        self.body = nn.Sequential(
            *_conv_bn(inputs, inner, 3, self.stride, padding), activation, *_conv_bn(inner, outputs, 3, 1, 1)
        )
        same = inputs == outputs and self.stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(*_conv_bn(inputs, outputs, 1, 1, 0))
        self.inset = (1 - padding[0], 1 - padding[1])  # row and column of the middle of the body's first window

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(self.window_centres(x)))

    def window_centres(self, x: Tensor) -> Tensor:
        """Picked before the shortcut's convolution, which then gathers nothing: onnxruntime's int8 kernels gather more
        slowly than they multiply."""
        (top, left), stride = self.inset, self.stride
        return x[:, :, top::stride, left::stride] if top or left or stride > 1 else x


class EmotionNet(nn.Module):
    """Faces in, two heads and the last feature map out."""

    def __init__(self, shape: Shape, dropout: float = 0.0) -> None:
        super().__init__()
        self.standardise = Standardise()
        layers: list[nn.Module] = []
        width = 1
        for stem in shape.stem:
            layers += [*_conv_bn(width, stem.width, stem.kernel, stem.stride, stem.padding), nn.ReLU()]
            width = stem.width
        for stage in shape.stages:
            for block in range(stage.blocks):
                layers.append(Residual(width, stage.width, stage, first=block == 0))
                width = stage.width
        self.trunk = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.ferplus = nn.Linear(width, len(FERPLUS8))
        self.fer2013 = nn.Linear(width, len(BASIC7))
        self._initialise()

    def forward(self, images: Tensor) -> Outputs:
        """`images`: uint8 [n, 48, 48, 1]."""
        features = self.trunk(self.standardise(images))
        pooled = self.dropout(features.float().mean(dim=(2, 3)))
        return Outputs(self.ferplus(pooled), self.fer2013(pooled), features)

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, Residual):
                # A block starts as its shortcut: deep networks then train at a high rate from the first step.
                last = module.body[-1]
                assert isinstance(last, nn.BatchNorm2d)
                nn.init.zeros_(last.weight)


def _conv_bn(
    inputs: int, outputs: int, kernel: int, stride: int, padding: int | tuple[int, int]
) -> tuple[nn.Module, nn.Module]:
    return (nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False), nn.BatchNorm2d(outputs))
