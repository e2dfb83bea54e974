"""An exponential moving average of a module's parameters and buffers."""

import copy

import torch
from torch import nn


class Ema:
    """Holds `module`, the averaged copy; batch-norm statistics are averaged like the weights."""

    def __init__(self, source: nn.Module) -> None:
        self.module = copy.deepcopy(source).eval()
        for parameter in self.module.parameters():
            parameter.requires_grad_(False)

    @torch.no_grad()
    def update(self, source: nn.Module, decay: float) -> None:
        """Move the average towards `source` by `1 - decay`; integer buffers are copied."""
        for mine, theirs in zip(self.module.state_dict().values(), source.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1.0 - decay)
            else:
                mine.copy_(theirs)
