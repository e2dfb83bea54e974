"""A net whose weights and statistics lie in one vector, so that a step of the optimiser, the average and the mirror
symmetry are a few operations on it instead of a few for each of its hundred tensors.

On a GPU a small net's step is bound by how many kernels it starts, not by what they compute.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.emotion import symmetry
from training.emotion.model import EmotionNet

_ALIGNMENT = 64  # floats: every tensor begins where a kernel can load whole lines


class FlatNet:
    """`net`, its floats moved into `vector`: parameters first, as `torch.autograd.grad` gives them, then statistics.

    Filters lie channels last in it. The net stays usable, and `load_state_dict` writes through.
    """

    def __init__(self, net: EmotionNet) -> None:
        self.net = net
        self.partner = _partners(net)  # [n], where the mirror image of each number lies; None where it has none
        tensors = _floats(net)
        starts = _starts(tensors)
        self._starts = starts
        self.vector = torch.zeros(starts[-1], device=tensors[0].device)
        self.decays = torch.zeros_like(self.vector)
        for tensor, start in zip(tensors, starts, strict=False):
            place = self.vector[start : start + tensor.numel()]
            place.copy_(_lined_up(tensor))
            tensor.data = _shaped(place, tensor.shape)
            if isinstance(tensor, nn.Parameter) and tensor.ndim > 1:
                self.decays[start : start + tensor.numel()] = 1.0
        self.weights = list(net.parameters())

    def lay_out(self, gradients: Sequence[Tensor], into: Tensor) -> None:
        """Write the gradients of `weights` into `into` [n], which stays zero elsewhere."""
        places = [into[start : start + one.numel()] for one, start in zip(gradients, self._starts, strict=False)]
        torch._foreach_copy_(places, [_lined_up(one) for one in gradients])

    @torch.no_grad()
    def mirror(self) -> None:
        """Move the net to the nearest symmetric one, as `symmetry.project` does; others stay as they are."""
        if self.partner is not None:
            self.vector.add_(self.vector[self.partner]).mul_(0.5)


def _floats(net: nn.Module) -> list[Tensor]:
    statistics = [one for one in net.buffers() if one.dtype.is_floating_point]
    return [*net.parameters(), *statistics]


def _starts(tensors: Sequence[Tensor]) -> list[int]:
    """Where each of `tensors` begins, and where the last one ends."""
    starts = [0]
    for tensor in tensors:
        starts.append(starts[-1] + -(-tensor.numel() // _ALIGNMENT) * _ALIGNMENT)
    return starts


def _lined_up(tensor: Tensor) -> Tensor:
    """The numbers of `tensor` in the order in which the vector holds them."""
    return (tensor.detach().permute(0, 2, 3, 1) if tensor.ndim == 4 else tensor.detach()).reshape(-1)


def _shaped(place: Tensor, shape: torch.Size) -> Tensor:
    if len(shape) != 4:
        return place.view(shape)
    outputs, inputs, height, width = shape
    return place.view(outputs, height, width, inputs).permute(0, 3, 1, 2)


def _partners(net: EmotionNet) -> Tensor | None:
    """Where in the vector the partner of each number lies.

    `symmetry.project` takes the mean of every number and its partner: of a net whose numbers are their own places, it
    leaves half of the sum of two places. Places are exact in doubles.
    """
    if net.partners is None:
        return None
    numbered = copy.deepcopy(net).cpu().double()
    tensors = _floats(numbered)
    starts = _starts(tensors)
    places = torch.arange(starts[-1], dtype=torch.float64)
    for tensor, start in zip(tensors, starts, strict=False):
        tensor.data.copy_(_shaped(places[start : start + tensor.numel()], tensor.shape))
    symmetry.project(numbered)
    partner = places.clone()
    for tensor, start in zip(tensors, starts, strict=False):
        own = slice(start, start + tensor.numel())
        partner[own] = 2 * _lined_up(tensor) - places[own]
    return partner.long().to(next(net.parameters()).device)
