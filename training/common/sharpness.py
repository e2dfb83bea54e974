"""Steps that look for flat minima: sharpness-aware minimisation (SAM; Foret et al. 2021, arXiv:2010.01412)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def uphill(net: nn.Module, radius: float) -> Iterator[None]:
    """Within, the weights of `net` stand `radius` (length of all their changes) up the gradients that they hold.

    A gradient taken there leads to where no small change of the weights costs much, which is where nets say of new
    pictures what they say of known ones. Weights of one axis (norms, biases) stay where they are; batch norms look at
    what passes, but keep no statistics of it. Afterwards every weight is what it was, to the last bit.
    """
    weights = [weight for weight in net.parameters() if weight.ndim > 1 and weight.grad is not None]
    before = [weight.detach().clone() for weight in weights]
    momenta = {module: module.momentum for module in net.modules() if isinstance(module, nn.BatchNorm2d)}
    with torch.no_grad():
        slopes = [weight.grad for weight in weights if weight.grad is not None]
        length = torch.stack([slope.square().sum() for slope in slopes]).sum().sqrt().clamp(min=1e-12)
        for weight, slope in zip(weights, slopes, strict=True):
            weight.add_(slope, alpha=radius / float(length))
    for norm in momenta:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in momenta.items():
            norm.momentum = momentum
        with torch.no_grad():
            for weight, old in zip(weights, before, strict=True):
                weight.copy_(old)
