"""A deeper network that begins where a shallower one stands.

Every added convolution starts as the identity, which after a ReLU changes nothing (Net2DeeperNet, Chen et al. 2016,
arXiv:1511.05641). Its norm is given what it will meet, so that the batches' own statistics change nothing either.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.detector.model import ConvBnRelu, FaceDetector

LEAST_SPREAD = 1e-3  # of a channel that never fires: its norm must not divide by nothing


@torch.no_grad()
def deepen(shallow: FaceDetector, deep: FaceDetector, pictures: Tensor) -> list[str]:
    """Gives `deep` the weights of `shallow` and makes what it has more of the identity; returns the names of that.

    `pictures` [n, 3, h, w] are typical ones. The widths must be the same, the added convolutions last in their stage
    or head.
    """
    theirs = shallow.state_dict()
    missing, unexpected = deep.load_state_dict(theirs, strict=False)
    if unexpected:
        raise ValueError(f"the network to begin with has layers that this one lacks: {', '.join(unexpected)}")
    added = {name: block for name, block in deep.named_modules() if isinstance(block, ConvBnRelu)}
    added = {name: block for name, block in added.items() if any(key.startswith(f"{name}.") for key in missing)}
    for block in added.values():
        conv, norm = block[0], block[1]
        assert isinstance(conv, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        nn.init.dirac_(conv.weight)
        # eval-mode identity, so that what stands behind this block meets its usual input while it is measured
        norm.reset_running_stats()
        norm.weight.fill_((1.0 + norm.eps) ** 0.5)
        norm.bias.zero_()
    deep.eval()
    hooks = [block.register_forward_hook(_remember_input) for block in added.values()]
    deep(pictures)
    for hook in hooks:
        hook.remove()
    return list(added)


def _remember_input(block: nn.Module, inputs: tuple[Tensor], _: Tensor) -> None:
    norm = block.get_submodule("1")
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    channels = inputs[0].transpose(0, 1).flatten(1)
    mean, spread = channels.mean(dim=1), channels.std(dim=1).clamp(min=LEAST_SPREAD)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(spread**2)
    norm.weight.copy_((spread**2 + norm.eps).sqrt())
    norm.bias.copy_(mean)
