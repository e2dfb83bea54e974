"""An average of several runs' weights: `python -m training.emotion.soup --run RUN --of RUN:SHARE RUN:SHARE ...`.

Runs that began with the same weights and did not go far apart have averages that are better than each of them (Wortsman
et al. 2022, "Model soups", arXiv:2203.05482): one net, at the price of one. Batch norms take their statistics anew,
since those of the average are not the average of theirs (Izmailov et al. 2018, arXiv:1803.05407). Epochs of one run,
near its end, lie so close together that their statistics can be averaged like the weights (`--statistics mean`), as the
running average of a training does.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.common import checkpoint, provenance
from training.common.runlog import RunLog
from training.emotion import data, symmetry
from training.emotion.augment import AugmentConfig, augment_batch
from training.emotion.model import EmotionNet, build

VIEWS = 8192  # that the statistics are taken from
BATCH = 128


def nets_of(states: Sequence[dict[str, Any]]) -> list[EmotionNet]:
    """The net of each checkpoint, with its running average for weights, ready to be asked."""
    nets = []
    for state in states:
        net = build(state["config"]["shape"])
        net.load_state_dict(state["ema"])
        nets.append(net.eval())
    return nets


def averaged(nets: Sequence[EmotionNet], shares: Sequence[float]) -> EmotionNet:
    """A net of the mean weights; `shares` are taken relative to their sum. Raises ValueError where shapes differ."""
    if len({net.shape for net in nets}) > 1:
        raise ValueError("nets of different shapes have no average")
    total = sum(shares)
    states = [net.state_dict() for net in nets]
    mean = {
        name: sum(share / total * state[name] for share, state in zip(shares, states, strict=True))
        if value.dtype.is_floating_point
        else value
        for name, value in states[0].items()
    }
    net = EmotionNet(nets[0].shape)
    net.load_state_dict(mean)
    return net


@torch.no_grad()
def settle(net: EmotionNet, views: NDArray[np.uint8]) -> None:
    """Give the batch norms the statistics of `views` [n, 48, 48], as training saw them: batch by batch, the mean of
    all batches."""
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean
    net.train()
    for start in range(0, len(views) - BATCH + 1, BATCH):
        net(torch.from_numpy(views[start : start + BATCH, :, :, None]))
    net.eval()


def epochs_together(states: Sequence[dict[str, Any]]) -> int:
    """How long the parts were trained: those of one seed are epochs of one run, and a thawed net was trained before."""
    longest: dict[int, int] = {}
    for state in states:
        if "net" in state:
            seed = state["config"]["seed"]
            longest[seed] = max(longest.get(seed, 0), state["epoch"])
    return sum(longest.values())


def part(text: str) -> tuple[Path, float]:
    """`RUN:SHARE` of the command line."""
    folder, _, share = text.rpartition(":")
    if not folder or not float(share) > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not RUN:SHARE with a share above 0")
    return Path(folder), float(share)


def main() -> None:
    """Average checkpoints into RUN/last.pt; RUN/log.jsonl says of what."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion.soup", description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--of", type=part, nargs="+", required=True, metavar="RUN:SHARE", dest="parts")
    parser.add_argument(
        "--statistics",
        choices=["anew", "mean"],
        default="anew",
        help="of the batch norms: taken anew, or the parts' mean",
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    states = [checkpoint.load(folder / "last.pt") for folder, _ in options.parts]
    if options.statistics == "mean" and len({state["config"]["seed"] for state in states}) > 1:
        parser.error("--statistics mean is for epochs of one run; these parts have different seeds")
    net = averaged(nets_of(states), [share for _, share in options.parts])
    if options.statistics == "anew":
        rng = np.random.default_rng(0)
        images = data.load(options.data, "train").images
        settle(net, augment_batch(images[rng.permutation(len(images))[:VIEWS]], AugmentConfig(), rng))
    if net.partners is not None:
        symmetry.project(net)  # what the views happened to show is not quite symmetric
    config = states[0]["config"]
    epochs = epochs_together(states)
    checkpoint.save(options.run / "last.pt", {"config": config, "epoch": epochs, "ema": net.state_dict()})
    RunLog(options.run / "log.jsonl").write(
        event="soup",
        commit=provenance.head_commit(),
        command=provenance.command_line(),
        config=config,
        statistics=options.statistics,
        parts=[{"run": folder.as_posix(), "share": share} for folder, share in options.parts],
    )


if __name__ == "__main__":
    main()
