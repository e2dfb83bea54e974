"""The emotion net: a plain convolution + batch norm + ReLU residual net on grey 48x48 faces, and its zoo of shapes."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.emotion.labels import BASIC7, FERPLUS8


class Stem(NamedTuple):
    """A convolution on the way to the first stage."""

    width: int
    stride: int
    kernel: int = 3
    padding: int = 1


class Stage(NamedTuple):
    """Residual blocks of one width; `inner` is the width between a block's two convolutions, 0: the same."""

    width: int
    blocks: int
    stride: int  # of the first block
    inner: int = 0
    padding: tuple[int, int] = (1, 1)  # of the first block's first convolution: above and below, left and right
    gated: bool = False  # whether a `Gate` stands between a block's two convolutions


DROPOUT = 0.2  # on the pooled features, in training


@dataclass(frozen=True)
class NetShape:
    """Widths and depths."""

    stem: tuple[Stem, ...]
    stages: tuple[Stage, ...]
    mirrored: bool = False  # a face and its mirror image are one to it: see `symmetry`


def _window_of_two(stem: int, first: int, second: int, third: int, *, gated: bool = False) -> NetShape:
    """A wide mirrored net for teaching: two convolutions, then two blocks a stage."""
    return NetShape(
        stem=(Stem(stem, 1, 2, 0), Stem(stem, 1)),
        stages=(
            Stage(first, 2, 2, padding=(0, 0)),
            Stage(second, 2, 2, padding=(0, 0), gated=gated),
            Stage(third, 2, 2, gated=gated),
        ),
        mirrored=True,
    )


# Millions of multiply-adds at 48x48 stand beside each shape; "s2": the first convolution halves the picture, "iN": the
# last stage is N wide inside its blocks ("iK-iM-iN": each stage by its own). "m": mirrored; its windows lie
# symmetrically on 48 (or 47, after a window of two: "k2"), 23, 11 and 6 pixels. "c5": the last stage has 5 columns, and
# with them 30 places instead of 36: five tiles of 6, as onnxruntime's int8 kernels take them. "b1": it has one block.
# "g": the second and third stage are gated.
ZOO = {
    "r32-48-96-256-i128-s2": NetShape(
        stem=(Stem(32, 2),), stages=(Stage(48, 1, 1), Stage(96, 1, 2), Stage(256, 2, 2, 128))
    ),  # 76
    "r32-48-96-256-i224-s2": NetShape(
        stem=(Stem(32, 2),), stages=(Stage(48, 1, 1), Stage(96, 1, 2), Stage(256, 2, 2, 224))
    ),  # 103
    "r32-48-96-256-s2": NetShape(
        stem=(Stem(32, 2),), stages=(Stage(48, 1, 1), Stage(96, 1, 2), Stage(256, 2, 2))
    ),  # 112
    "m32-48-96-256-i192": NetShape(
        stem=(Stem(32, 2, 4, 0),),
        stages=(Stage(48, 1, 1), Stage(96, 1, 2, padding=(0, 0)), Stage(256, 2, 2, 192)),
        mirrored=True,
    ),  # 90
    "m32-48-96-256-i192-c5": NetShape(
        stem=(Stem(32, 2, 4, 0),),
        stages=(Stage(48, 1, 1), Stage(96, 1, 2, padding=(0, 0)), Stage(256, 2, 2, 192, padding=(1, 0))),
        mirrored=True,
    ),  # 80
    "m32-48-96-256-i192-c5-g": NetShape(
        stem=(Stem(32, 2, 4, 0),),
        stages=(
            Stage(48, 1, 1),
            Stage(96, 1, 2, padding=(0, 0), gated=True),
            Stage(256, 2, 2, 192, padding=(1, 0), gated=True),
        ),
        mirrored=True,
    ),  # 80
    "m32-48-96-256-i16-i64-i80": NetShape(
        stem=(Stem(32, 2, 4, 0),),
        stages=(Stage(48, 1, 1, 16), Stage(96, 1, 2, 64, padding=(0, 0)), Stage(256, 2, 2, 80)),
        mirrored=True,
    ),  # 41
    "m32-48-96-256-i16-i64-i80-c5": NetShape(
        stem=(Stem(32, 2, 4, 0),),
        stages=(Stage(48, 1, 1, 16), Stage(96, 1, 2, 64, padding=(0, 0)), Stage(256, 2, 2, 80, padding=(1, 0))),
        mirrored=True,
    ),  # 37
    "m32-48-96-256-i16-i64-i80-c5-g": NetShape(
        stem=(Stem(32, 2, 4, 0),),
        stages=(
            Stage(48, 1, 1, 16),
            Stage(96, 1, 2, 64, padding=(0, 0), gated=True),
            Stage(256, 2, 2, 80, padding=(1, 0), gated=True),
        ),
        mirrored=True,
    ),  # 37
    "m32-48-96-256-i16-i64-i80-c5-b1": NetShape(
        stem=(Stem(32, 2, 4, 0),),
        stages=(Stage(48, 1, 1, 16), Stage(96, 1, 2, 64, padding=(0, 0)), Stage(256, 1, 2, 80, padding=(1, 0))),
        mirrored=True,
    ),  # 26
    "r32-48-96-192": NetShape(stem=(Stem(32, 1),), stages=(Stage(48, 2, 2), Stage(96, 2, 2), Stage(192, 2, 2))),  # 130
    "r32-48-96-256": NetShape(stem=(Stem(32, 1),), stages=(Stage(48, 2, 2), Stage(96, 2, 2), Stage(256, 2, 2))),  # 161
    "r32-64-128-256-s2": NetShape(
        stem=(Stem(32, 2), Stem(48, 1)), stages=(Stage(64, 1, 1), Stage(128, 2, 2), Stage(256, 2, 2))
    ),  # 198
    "m32-64-128-256-k2": _window_of_two(32, 64, 128, 256),  # 224
    "m32-64-128-256-k2-g": _window_of_two(32, 64, 128, 256, gated=True),  # 224
    "m48-96-192-384-k2-g": _window_of_two(48, 96, 192, 384, gated=True),  # 504
    "r32-64-128-256": NetShape(
        stem=(Stem(32, 1), Stem(32, 1)), stages=(Stage(64, 2, 2), Stage(128, 2, 2), Stage(256, 2, 2))
    ),  # 248
}


class Outputs(NamedTuple):
    """What the net says about n faces; the names are those of the ONNX outputs."""

    ferplus: Tensor  # [n, 8] logits, order FERPLUS8
    fer2013: Tensor  # [n, 7] logits, order BASIC7
    features: Tensor  # [n, c, h, w], the last feature map


class Standardise(nn.Module):
    """uint8 [n, 48, 48, 1] -> float [n, 1, 48, 48] of mean 0 and standard deviation 1 a picture.

    Undoes brightness and contrast, so that the net sees a dim photograph as it sees a bright one. Each picture by
    itself: a face's scores must not depend on its neighbours in a batch.
    """

    def forward(self, images: Tensor) -> Tensor:
        pixels = images.to(torch.float32).permute(0, 3, 1, 2)
        centred = pixels - pixels.mean(dim=(1, 2, 3), keepdim=True)
        variance = (centred * centred).mean(dim=(1, 2, 3), keepdim=True)
        # One grey level of noise floor keeps a blank tile at zero instead of blowing up its rounding errors.
        return centred / torch.sqrt(variance + 1.0)


GATE_GAIN = 2.0  # a fresh gate is half open


def hidden_width(width: int) -> int:
    """Of a gate on `width` channels: even, since its hidden channels are partners by neighbours."""
    return 2 * max(1, width // 8)


class Gate(nn.Module):
    """relu(x), each channel louder or softer by what all of them show of the whole face: squeeze-and-excitation (Hu et
    al. 2018, arXiv:1709.01507) at next to no multiply-adds.

    A channel is scaled by `GATE_GAIN` * sigmoid(...), which is 1 in a fresh gate: it begins as a plain ReLU. The hidden
    channels of a mirrored net are partners by neighbours. Weights are bare parameters, so that nobody takes them for a
    convolution with a batch norm.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = hidden_width(width)
        self.squeeze = nn.Parameter(torch.empty(hidden, width, 1, 1))
        self.squeeze_bias = nn.Parameter(torch.zeros(hidden))
        self.excite = nn.Parameter(torch.zeros(width, hidden, 1, 1))
        self.excite_bias = nn.Parameter(torch.zeros(width))
        nn.init.kaiming_normal_(self.squeeze, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """`x`: [n, width, h, w]."""
        heard = torch.relu(x)
        return heard * (GATE_GAIN * self.openness(heard))

    def openness(self, heard: Tensor) -> Tensor:
        """How far each channel of relu(x) is let through: [n, width, 1, 1], in 0..1."""
        # Pooled by an operator of its own: a mean over axes is summed otherwise with a tensor's place in memory.
        whole = functional.adaptive_avg_pool2d(heard, 1)
        hidden = torch.relu(functional.conv2d(whole, self.squeeze, self.squeeze_bias))
        return torch.sigmoid(functional.conv2d(hidden, self.excite, self.excite_bias))


class Residual(nn.Module):
    """relu(x + conv(relu(conv(x)))), the shortcut projected by a 1x1 convolution where the shape changes; `gated`: with
    a `Gate` in place of the inner relu."""

    def __init__(
        self,
        inputs: int,
        inner: int,
        outputs: int,
        stride: int,
        padding: tuple[int, int] = (1, 1),
        gated: bool = False,
    ) -> None:
        super().__init__()
        first = _conv_bn(inputs, inner, 3, stride, padding)
        activation = Gate(inner) if gated else nn.ReLU()
        self.body = nn.Sequential(*first, activation, *_conv_bn(inner, outputs, 3, 1, 1))
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(*_conv_bn(inputs, outputs, 1, 1, 0))
        self.inset = (1 - padding[0], 1 - padding[1])  # row and column of the middle of the body's first window
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(self.middles(x)))

    def middles(self, x: Tensor) -> Tensor:
        """The middles of the body's first windows on `x`. Taken before the shortcut's convolution, which then has
        nothing to gather: onnxruntime's int8 kernels gather more slowly than they multiply."""
        (top, left), stride = self.inset, self.stride
        return x[:, :, top::stride, left::stride] if top or left or stride > 1 else x


class Partners(nn.Module):
    """Which channel shows in a mirrored face what a channel shows in the face itself: indices, one buffer a place.

    At first neighbours are partners. A channel may be its own partner, with filters that are mirror images of
    themselves; were all like that, a net could not tell a face from one with a half turned round.
    """

    def __init__(self, shape: NetShape) -> None:
        super().__init__()
        for index, stem in enumerate(shape.stem):
            self.register_buffer(stem_place(index), neighbours(stem.width))
        for index, stage in enumerate(shape.stages):
            self.register_buffer(stage_place(index), neighbours(stage.width))
            for block in range(stage.blocks):
                self.register_buffer(inner_place(index, block), neighbours(stage.inner or stage.width))


def neighbours(width: int) -> Tensor:
    """Channels 0 and 1 are partners, 2 and 3, ...; the last of an odd number is its own."""
    channels = torch.arange(width)
    return (channels ^ 1).clamp(max=width - 1)


def stem_place(index: int) -> str:
    """The name of what stem convolution `index` makes."""
    return f"stem_{index}"


def stage_place(index: int) -> str:
    """The name of what every block of stage `index` makes: its shortcuts tie them together."""
    return f"stage_{index}"


def inner_place(index: int, block: int) -> str:
    """The name of what lies between the two convolutions of a block."""
    return f"stage_{index}_block_{block}"


class EmotionNet(nn.Module):
    """Faces in, two heads and the last feature map out."""

    def __init__(self, shape: NetShape, dropout: float = DROPOUT) -> None:
        super().__init__()
        self.shape = shape
        self.standardise = Standardise()
        layers: list[nn.Module] = []
        width = 1
        for stem in shape.stem:
            layers += [*_conv_bn(width, stem.width, stem.kernel, stem.stride, stem.padding), nn.ReLU()]
            width = stem.width
        for stage in shape.stages:
            for block in range(stage.blocks):
                inner = stage.inner or stage.width
                stride, padding = (stage.stride, stage.padding) if block == 0 else (1, (1, 1))
                layers.append(Residual(width, inner, stage.width, stride, padding, stage.gated))
                width = stage.width
        self.trunk = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.ferplus = nn.Linear(width, len(FERPLUS8))
        self.fer2013 = nn.Linear(width, len(BASIC7))
        self.partners = Partners(shape) if shape.mirrored else None
        self._initialise()

    def forward(self, images: Tensor) -> Outputs:
        """`images`: uint8 [n, 48, 48, 1]."""
        features = self.trunk(self.standardise(images))
        pooled = self.dropout(features.float().mean(dim=(2, 3)))
        return Outputs(self.ferplus(pooled), self.fer2013(pooled), features)

    def parts(self) -> dict[str, nn.Module]:
        """Its layers by their places: `stem 0`, `stage 1 block 0`, ..., `partners`, `ferplus`, `fer2013`."""
        layers = iter(self.trunk)
        parts: dict[str, nn.Module] = {}
        for index in range(len(self.shape.stem)):
            parts[f"stem {index}"] = nn.Sequential(next(layers), next(layers), next(layers))
        for index, stage in enumerate(self.shape.stages):
            for block in range(stage.blocks):
                parts[f"stage {index} block {block}"] = next(layers)
        if self.partners is not None:
            parts["partners"] = self.partners
        return {**parts, "ferplus": self.ferplus, "fer2013": self.fer2013}

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, Residual):
                # A block starts as its shortcut: deep nets then train at a high rate from the first step.
                last = module.body[-1]
                assert isinstance(last, nn.BatchNorm2d)
                nn.init.zeros_(last.weight)


def build(name: str, dropout: float = DROPOUT) -> EmotionNet:
    """A fresh net of the zoo's shape `name`."""
    return EmotionNet(ZOO[name], dropout)


def _conv_bn(
    inputs: int, outputs: int, kernel: int, stride: int, padding: int | tuple[int, int]
) -> tuple[nn.Module, nn.Module]:
    return (
        nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(outputs),
    )
