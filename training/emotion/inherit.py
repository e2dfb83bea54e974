"""A net that begins with what another one has learned."""

from pathlib import Path

import torch
from torch import Tensor, nn

from training.common import checkpoint
from training.emotion.model import EmotionNet, Residual, build

State = dict[str, Tensor]


def inherit(net: EmotionNet, parent: Path) -> list[str]:
    """Give `net` the averaged weights of the checkpoint `parent` wherever it has a like part; returns their names.

    Parts are alike when they stand at the same place (stem, stage and block, head) and have the same widths. A block
    that is only narrower inside takes the strongest of its parent's inner channels (Li et al. 2017, arXiv:1608.08710,
    with what follows a channel counted in).
    """
    state = checkpoint.load(parent)
    donor = build(state["config"]["shape"])
    donor.load_state_dict(state["ema"])
    taken = []
    theirs = donor.parts()
    for name, part in net.parts().items():
        given = thinned(theirs[name], part) if name in theirs else None
        if given is not None:
            part.load_state_dict(given)
            taken.append(name)
    return taken


def thinned(donor: nn.Module, part: nn.Module) -> State | None:
    """The state of `donor` cut down to the widths of `part`; None where more than a block's inner width differs."""
    state = donor.state_dict()
    if isinstance(donor, Residual) and isinstance(part, Residual):
        inner = len(part.state_dict()["body.0.weight"])
        state = _inner_channels(state, _strongest(state, inner))
    wanted = {name: value.shape for name, value in part.state_dict().items()}
    return state if wanted == {name: value.shape for name, value in state.items()} else None


def _strongest(block: State, count: int) -> Tensor:
    """Indices [<= count] of the inner channels that pass on most: the scale of their norm times what reads them."""
    passed = block["body.1.weight"].abs() * block["body.3.weight"].square().sum(dim=(0, 2, 3)).sqrt()
    chosen: Tensor = passed.argsort(descending=True, stable=True)[:count].sort().values
    return chosen


def _inner_channels(block: State, chosen: Tensor) -> State:
    """A residual block's state with only the `chosen` channels between its convolutions."""
    outer = {name: value for name, value in block.items() if not name.startswith(("body.0.", "body.1."))}
    inner = {
        name: value if value.ndim == 0 else value.index_select(0, chosen)
        for name, value in block.items()
        if name.startswith(("body.0.", "body.1."))
    }
    return {**outer, **inner, "body.3.weight": torch.index_select(block["body.3.weight"], 1, chosen)}
