"""The detector's network: plain fused convolutions, a top-down neck, one light head per level.

Anchor-free as FCOS (Tian et al. 2019, arXiv:1904.01355) and YuNet (Wu et al. 2023): every cell of the strides 8, 16
and 32 predicts one face. Dense 3x3 convolutions with ReLU only, because they are what onnxruntime runs best on a CPU,
in float and (unlike depthwise ones) in int8.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDES: tuple[int, ...] = (8, 16, 32)
LANDMARKS = 5
OUTPUTS = 1 + 4 + 2 * LANDMARKS
# exp() of more than this is a side of 20 strides x 50: never a face, and it keeps early training finite
MAX_LOG_DISTANCE = 5.0


@dataclass(frozen=True)
class ModelConfig:
    """Widths of the network. Multiples of 16 fill the vector registers of a CPU with AVX-512."""

    stem: tuple[int, int] = (16, 32)
    widths: tuple[int, int, int] = (32, 64, 96)
    depths: tuple[int, int, int] = (2, 4, 4)
    neck: int = 32
    head_depths: tuple[int, int, int] = (2, 2, 2)


class ConvBnRelu(nn.Sequential):
    """Convolution, batch norm, ReLU. `export` folds the norm into the convolution."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs, momentum=0.03),
            nn.ReLU(inplace=True),
        )


def _stage(inputs: int, outputs: int, depth: int) -> nn.Sequential:
    first = ConvBnRelu(inputs, outputs, stride=2)
    return nn.Sequential(first, *(ConvBnRelu(outputs, outputs) for _ in range(depth - 1)))


class FaceDetector(nn.Module):
    """uint8-valued BGR pictures [n, 3, h, w] (float tensor 0..255) -> raw predictions [n, A, 15].

    A = hw/64 + hw/256 + hw/1024: all cells of stride 8, then 16, then 32, row-major within a level. The 15 raw values
    of a cell are the score's logit, the log of the distances left, top, right, bottom (in strides), and the five
    landmarks' x, y offsets from the cell's centre (in strides).
    """

    def __init__(self, config: ModelConfig = ModelConfig()) -> None:
        super().__init__()
        self.config = config
        self.scale = 1 / 255  # of the input; part of the first convolution once that is folded
        c8, c16, c32 = config.widths
        self.stem = nn.Sequential(
            ConvBnRelu(3, config.stem[0], stride=2), ConvBnRelu(config.stem[0], config.stem[1], stride=2)
        )
        self.stages = nn.ModuleList(
            [
                _stage(config.stem[1], c8, config.depths[0]),
                _stage(c8, c16, config.depths[1]),
                _stage(c16, c32, config.depths[2]),
            ]
        )
        self.laterals = nn.ModuleList([ConvBnRelu(c, config.neck, kernel=1) for c in config.widths])
        self.heads = nn.ModuleList(
            [nn.Sequential(*(ConvBnRelu(config.neck, config.neck) for _ in range(d))) for d in config.head_depths]
        )
        self.predictors = nn.ModuleList([nn.Conv2d(config.neck, OUTPUTS, 1) for _ in STRIDES])
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        for predictor in self.predictors:
            assert isinstance(predictor, nn.Conv2d)
            assert predictor.bias is not None
            nn.init.normal_(predictor.weight, std=0.01)
            nn.init.zeros_(predictor.bias)
            with torch.no_grad():
                predictor.bias[0] = -4.6  # a prior of 1 % (RetinaNet): thousands of empty cells start out quiet
                predictor.bias[1:5] = 0.7  # two strides each way: the middle of a level's range

    def forward(self, pictures: Tensor) -> Tensor:
        """Predictions of all levels, cells in rows: [n, A, 15]."""
        return torch.cat([raw.flatten(2).transpose(1, 2) for raw in self.levels(pictures)], dim=1)

    def levels(self, pictures: Tensor) -> list[Tensor]:
        """Predictions [n, 15, h / stride, w / stride] of each stride."""
        features = self.stem(pictures if self.scale == 1 else pictures * self.scale)
        levels: list[Tensor] = []
        for stage in self.stages:
            features = stage(features)
            levels.append(features)
        merged: Tensor | None = None
        outputs: list[Tensor] = []
        for i in reversed(range(len(STRIDES))):
            level = self.laterals[i](levels[i])
            merged = level if merged is None else level + functional.interpolate(merged, scale_factor=2.0)
            features = self.heads[i](merged)
            # bf16 keeps 8 bits: too coarse for a box's last pixel, so the last (and cheapest) layer trains in float
            with torch.autocast(pictures.device.type, enabled=False):
                outputs.insert(0, self.predictors[i](features.float()))
        return outputs


def cell_centres(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Centres [A, 2] (x, y in input pixels) and strides [A] of all cells, in the network's order."""
    centres, strides = [], []
    for stride in STRIDES:
        ys = (torch.arange(height // stride) + 0.5) * stride
        xs = (torch.arange(width // stride) + 0.5) * stride
        grid = torch.stack(torch.meshgrid(ys, xs, indexing="ij")[::-1], dim=-1).reshape(-1, 2)
        centres.append(grid)
        strides.append(torch.full((grid.shape[0],), float(stride)))
    return torch.cat(centres), torch.cat(strides)


def decode(raw: Tensor, centres: Tensor, strides: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Raw [n, A, 15] -> score logits [n, A], boxes x1 y1 x2 y2 [n, A, 4], landmarks [n, A, 5, 2], in input pixels."""
    distances = raw[..., 1:5].clamp(max=MAX_LOG_DISTANCE).exp() * strides[:, None]
    boxes = torch.cat([centres - distances[..., :2], centres + distances[..., 2:]], dim=-1)
    offsets = raw[..., 5:].reshape(*raw.shape[:2], LANDMARKS, 2) * strides[:, None, None]
    return raw[..., 0], boxes, offsets + centres[:, None, :]
