"""An exponential moving average of a module's parameters and buffers."""

import copy
from typing import Generic, TypeVar

from torch import nn

Net = TypeVar("Net", bound=nn.Module)


class Ema(Generic[Net]):
    """Holds `module`, the averaged copy; batch-norm statistics are averaged like the weights."""

    def __init__(self, source: Net) -> None:
        self.module = copy.deepcopy(source).eval()
        for parameter in self.module.parameters():
            parameter.requires_grad_(False)

    def update(self, source: Net, decay: float) -> None:
        """Move the average towards `source` by `1 - decay`; integer buffers are copied."""
        # A state dict holds detached tensors: nothing here is recorded for gradients.
        for mine, theirs in zip(self.module.state_dict().values(), source.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1.0 - decay)
            else:
                mine.copy_(theirs)
