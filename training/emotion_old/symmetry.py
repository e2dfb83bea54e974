"""Nets to which a face and its mirror image are one: mirrored in, each feature map comes out mirrored, under its
partner's number, and what is pooled is the same to the last bit of its weights.

That is the answer of a net and of its mirror image averaged, at the price of one: weights tied as the group of
reflections asks (Cohen and Welling 2016, "Group equivariant convolutional networks", arXiv:1602.07576). Two things make
it so. Windows must lie symmetrically on the picture, which strided 3x3 windows do on an odd number of pixels only (the
zoo's "m" shapes). And the filter from channel i to channel o must be the mirror image of that from i's partner to o's.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from training.emotion.model import EmotionNet, Gate, Residual, inner_place, neighbours, stage_place, stem_place


class Layer(NamedTuple):
    """A convolution and its norm, the partners of the channels that it reads and of those that it makes."""

    convolution: nn.Conv2d
    norm: nn.BatchNorm2d
    reads: Tensor
    makes: Tensor


@torch.no_grad()
def project(net: EmotionNet) -> None:
    """Move `net` to the nearest symmetric one, in place; partners come out equal to the last bit."""
    last = torch.zeros(0)
    for convolution, norm, reads, last in layers(net):
        weight = convolution.weight
        weight.copy_((weight + weight[last][:, reads].flip(3)) / 2)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        for value in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
            value.copy_((value + value[last]) / 2)
    for gate, partners in gates(net):
        hidden = neighbours(len(gate.squeeze))
        gate.squeeze.copy_((gate.squeeze + gate.squeeze[hidden][:, partners]) / 2)
        gate.squeeze_bias.copy_((gate.squeeze_bias + gate.squeeze_bias[hidden]) / 2)
        gate.excite.copy_((gate.excite + gate.excite[partners][:, hidden]) / 2)
        gate.excite_bias.copy_((gate.excite_bias + gate.excite_bias[partners]) / 2)
    for head in (net.ferplus, net.fer2013):
        head.weight.copy_((head.weight + head.weight[:, last]) / 2)


def layers(net: EmotionNet) -> Iterator[Layer]:
    """The convolutions of a mirrored net, in the order in which a face passes them."""
    partners, parts = net.partners, net.parts()
    if partners is None:
        raise ValueError("this net is not of a mirrored shape")
    made = torch.zeros(1, dtype=torch.int64)
    for index in range(len(net.shape.stem)):
        part, reads = parts[f"stem {index}"], made
        made = partners.get_buffer(stem_place(index))
        yield _layer(part, 0, reads, made)
    for index, stage in enumerate(net.shape.stages):
        for block in range(stage.blocks):
            part, reads = parts[f"stage {index} block {block}"], made
            assert isinstance(part, Residual)
            inner, made = (partners.get_buffer(name) for name in (inner_place(index, block), stage_place(index)))
            yield _layer(part.body, 0, reads, inner)
            yield _layer(part.body, 3, inner, made)
            if isinstance(part.shortcut, nn.Sequential):
                yield _layer(part.shortcut, 0, reads, made)


def gates(net: EmotionNet) -> Iterator[tuple[Gate, Tensor]]:
    """The gates of a mirrored net, each with the partners of the channels that it scales."""
    assert net.partners is not None
    for name, part in net.parts().items():
        if isinstance(part, Residual) and isinstance(part.body[2], Gate):
            _, stage, _, block = name.split()
            yield part.body[2], net.partners.get_buffer(inner_place(int(stage), int(block)))


@torch.no_grad()
def find_partners(net: EmotionNet, images: Tensor) -> None:
    """Set the partners of `net` by what its channels show in `images`, uint8 [n, 48, 48, 1], and their mirror images.

    Two channels go together when one's map of a face correlates with the mirrored map that the other makes of the
    mirrored face. The best pair is taken first, then the best of what is left; a pair may be a channel and itself.
    """
    assert net.partners is not None
    plain, mirrored = (_maps(net, pictures) for pictures in (images, images.flip(2)))
    for name, chosen in net.partners.named_buffers():
        match = sum(_correlation(a, b.flip(3)) for a, b in zip(plain[name], mirrored[name], strict=True))
        assert isinstance(match, Tensor)
        chosen.copy_(_paired(match + match.T))


def _layer(part: nn.Module, first: int, reads: Tensor, makes: Tensor) -> Layer:
    assert isinstance(part, nn.Sequential)
    convolution, norm = part[first], part[first + 1]
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    return Layer(convolution, norm, reads, makes)


def _maps(net: EmotionNet, images: Tensor) -> dict[str, list[Tensor]]:
    """What a net makes of `images` at each place; as many tensors [n, c, h, w] as the stage has blocks."""
    maps: dict[str, list[Tensor]] = {}
    parts = net.parts()
    x = net.standardise(images)
    for index in range(len(net.shape.stem)):
        x = parts[f"stem {index}"](x)
        maps[stem_place(index)] = [x]
    for index, stage in enumerate(net.shape.stages):
        for block in range(stage.blocks):
            part = parts[f"stage {index} block {block}"]
            assert isinstance(part, Residual)
            maps[inner_place(index, block)] = [part.body[:3](x)]
            x = part(x)
            maps.setdefault(stage_place(index), []).append(x)
    return maps


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    """Pearson correlation of each channel of `a` with each of `b`, both [n, c, h, w]: [c, c]."""
    flat_a, flat_b = (x.transpose(0, 1).flatten(1) for x in (a, b))
    unit_a, unit_b = (nn.functional.normalize(x - x.mean(dim=1, keepdim=True)) for x in (flat_a, flat_b))
    return unit_a @ unit_b.T


def _paired(match: Tensor) -> Tensor:
    """Partners [c] by a symmetric table of likeness [c, c], the best first."""
    left = match.clone()
    partners = torch.arange(len(left))
    taken = torch.zeros(len(left), dtype=torch.bool)
    while not taken.all():
        one, other = divmod(int(left.argmax()), len(left))
        partners[one], partners[other] = other, one
        for channel in (one, other):
            taken[channel] = True
            left[channel, :] = left[:, channel] = -torch.inf
    return partners
