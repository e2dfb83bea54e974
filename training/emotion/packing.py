"""The first convolution as the file has it: over four pixels at a time.

A window of 4x4 pixels that moves by two is one of 2x2 blocks of 2x2 pixels that moves by one. onnxruntime's int8
kernels copy each window channel by channel; a block's four pixels as its channels make that a quarter of the copies,
which take longer than the products. The same sums, in the file alone: training keeps the plain window.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.emotion.data import SIDE

BLOCK = 2  # pixels a side
WINDOW = 4
NOISE = 1.0  # grey levels squared, as in `model.Standardise`


def fits(stem: nn.Module) -> bool:
    """Whether a module is a convolution that can be packed: 4x4, by steps of two, of one channel and nothing around."""
    return isinstance(stem, nn.Conv2d) and (
        (stem.in_channels, stem.kernel_size, stem.stride, stem.padding) == (1, (4, 4), (2, 2), (0, 0))
    )


def packed(weight: Tensor) -> Tensor:
    """[o, 1, 4, 4] -> [o, 4, 2, 2]: channel 2 p + q is row p, column q of a block."""
    blocks = weight.reshape(-1, WINDOW // BLOCK, BLOCK, WINDOW // BLOCK, BLOCK)
    return blocks.permute(0, 2, 4, 1, 3).reshape(-1, BLOCK * BLOCK, WINDOW // BLOCK, WINDOW // BLOCK)


def packed_stem(stem: nn.Conv2d) -> nn.Conv2d:
    """The convolution over blocks that does what `stem`, one that `fits`, does over pixels."""
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
