"""A net that begins with what another one has learned."""

from pathlib import Path

import torch
from torch import Tensor

from training.common import checkpoint
from training.emotion.model import EmotionNet, NetShape, build, hidden_width, inner_place

State = dict[str, Tensor]


def inherit(net: EmotionNet, parent: Path) -> list[str]:
    """Give `net` the averaged weights of the checkpoint `parent` wherever it has a like part; returns their names.

    Parts are alike when they stand at the same place (stem, stage and block, head) and have the same widths. A block
    that is only narrower inside takes the strongest of its parent's inner channels (Li et al. 2017, arXiv:1608.08710,
    with what follows a channel counted in); those of a mirrored net come and go in pairs. So does its gate, with the
    hidden channels that open and close most. A gate that the parent lacks stays fresh, and changes nothing at first.
    """
    state = checkpoint.load(parent)
    donor = build(state["config"]["shape"])
    donor.load_state_dict(state["ema"])
    theirs = _narrowed(donor, net.shape)
    taken = []
    for name, part in net.parts().items():
        ours = part.state_dict()
        merged = {**_gate(ours), **theirs.get(name, {})}
        if _widths(ours) == _widths(merged):
            part.load_state_dict(merged)
            taken.append(name)
    return taken


def _narrowed(donor: EmotionNet, shape: NetShape) -> dict[str, State]:
    """The states of the parts of `donor`, its blocks no wider inside than those of `shape`."""
    states = {name: part.state_dict() for name, part in donor.parts().items()}
    partners = states.get("partners", {})
    for index, stage in enumerate(shape.stages):
        for block in range(stage.blocks):
            name, place = f"stage {index} block {block}", inner_place(index, block)
            if name not in states:
                continue
            paired = partners.get(place, torch.arange(len(states[name]["body.0.weight"])))
            chosen = _strongest(states[name], paired, stage.inner or stage.width)
            states[name] = _inner_channels(states[name], chosen)
            partners[place] = torch.searchsorted(chosen, paired[chosen])
    return states


def _gate(block: State) -> State:
    """What of a block's state is its gate's."""
    return {name: value for name, value in block.items() if name.startswith("body.2.")}


def _widths(state: State) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in state.items()}


def _strongest(block: State, partners: Tensor, count: int) -> Tensor:
    """Indices [<= count], ascending, of the inner channels that pass on most, none without its partner.

    What a channel passes on is the scale of its norm times what reads it.
    """
    passed = block["body.1.weight"].abs() * block["body.3.weight"].square().sum(dim=(0, 2, 3)).sqrt()
    chosen: set[int] = set()
    for channel in passed.argsort(descending=True, stable=True).tolist():
        pair = {channel, int(partners[channel])}
        if len(chosen | pair) <= count:
            chosen |= pair
    return torch.tensor(sorted(chosen))


def _inner_channels(block: State, chosen: Tensor) -> State:
    """A residual block's state with only the `chosen` channels between its convolutions."""
    outer = {name: value for name, value in block.items() if not name.startswith(("body.0.", "body.1.", "body.2."))}
    inner = {
        name: value if value.ndim == 0 else value.index_select(0, chosen)
        for name, value in block.items()
        if name.startswith(("body.0.", "body.1."))
    }
    narrowed = {**outer, **inner, "body.3.weight": torch.index_select(block["body.3.weight"], 1, chosen)}
    return {**narrowed, **_narrowed_gate(_gate(block), chosen)}


def _narrowed_gate(gate: State, chosen: Tensor) -> State:
    """A gate's state for the `chosen` channels, with as many of its hidden ones as a fresh gate has, in pairs."""
    if not gate:
        return {}
    squeeze, excite = (gate[f"body.2.{name}"] for name in ("squeeze", "excite"))
    squeeze, excite = squeeze.index_select(1, chosen), excite.index_select(0, chosen)
    moved = squeeze.flatten(1).norm(dim=1) * excite.transpose(0, 1).flatten(1).norm(dim=1)
    pairs = moved.view(-1, 2).sum(dim=1).argsort(descending=True, stable=True)[: hidden_width(len(chosen)) // 2]
    hidden = torch.cat([2 * pairs, 2 * pairs + 1]).sort().values
    return {
        "body.2.squeeze": squeeze.index_select(0, hidden),
        "body.2.squeeze_bias": gate["body.2.squeeze_bias"].index_select(0, hidden),
        "body.2.excite": excite.index_select(1, hidden),
        "body.2.excite_bias": gate["body.2.excite_bias"].index_select(0, chosen),
    }
