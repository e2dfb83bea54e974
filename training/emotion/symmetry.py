"""Networks to which a face and its mirror image are one: the same scores to the last bit of the weights.

Channels 2k and 2k + 1 are partners: what one shows of a face, the other shows of the mirrored face. The filter from
channel i to channel o is the mirror image of that from i's partner to o's, and windows lie symmetrically on the picture
(Cohen and Welling 2016, "Group equivariant convolutional networks", arXiv:1602.07576). It is the mean of a network and
of its mirror image at the price of one.
"""

import torch
from torch import Tensor, nn

from training.emotion.model import EmotionNet, Gate


def swapped(values: Tensor, axis: int) -> Tensor:
    """`values` with each channel on `axis` in its partner's place; a single channel is its own partner."""
    if values.shape[axis] == 1:
        return values
    partner = torch.arange(values.shape[axis], device=values.device) ^ 1
    return values.index_select(axis, partner)


@torch.no_grad()
def project(network: EmotionNet) -> None:
    """Move `network` to the nearest symmetric one, in place."""
    for module in network.trunk.modules():
        if isinstance(module, nn.Conv2d):
            _mean(module.weight, swapped(swapped(module.weight, 0), 1).flip(3))
        elif isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            for value in (module.weight, module.bias, module.running_mean, module.running_var):
                _mean(value, swapped(value, 0))
        elif isinstance(module, Gate):
            for weight in (module.squeeze, module.excite):
                _mean(weight, swapped(swapped(weight, 0), 1))
            for bias in (module.squeeze_bias, module.excite_bias):
                _mean(bias, swapped(bias, 0))
    for head in (network.ferplus, network.fer2013):
        _mean(head.weight, swapped(head.weight, 1))


def _mean(values: Tensor, mirrored: Tensor) -> None:
    values.copy_((values + mirrored) / 2)
