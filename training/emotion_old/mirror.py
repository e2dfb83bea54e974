"""A run's net made symmetric: `python -m training.emotion.mirror --parent RUN --shape m32-48-96-256-i192 --run NEW`.

A net that was trained on faces and their mirror images has channels that are nearly each other's mirror images. They
are paired, and the mean of the net and of its mirror image is taken (in the manner of Ainsworth et al. 2022, "Git
Re-Basin", arXiv:2209.04836): less accurate at first, but far from a fresh start.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.common import checkpoint, provenance
from training.common.runlog import RunLog
from training.emotion import data, symmetry
from training.emotion.augment import AugmentConfig, augment_batch
from training.emotion.inherit import inherit
from training.emotion.model import ZOO, EmotionNet, build
from training.emotion.soup import VIEWS, settle

FACES = 2048  # that channels are compared on


@torch.no_grad()
def widen_stem(net: EmotionNet, donor: EmotionNet) -> None:
    """Give the first convolution of `net`, 4x4 without padding, that of `donor`, 3x3: the same but at the border."""
    ours, theirs = net.parts()["stem 0"], donor.parts()["stem 0"]
    assert isinstance(ours, nn.Sequential)
    assert isinstance(theirs, nn.Sequential)
    assert isinstance(ours[0], nn.Conv2d)
    assert isinstance(theirs[0], nn.Conv2d)
    kernel = ours[0].weight
    kernel.zero_()
    kernel[:, :, 1:, 1:] = theirs[0].weight
    ours[1].load_state_dict(theirs[1].state_dict())


def main() -> None:
    """Write NEW/last.pt, and note in NEW/log.jsonl of what."""
    shapes = sorted(name for name, shape in ZOO.items() if shape.mirrored)
    parser = argparse.ArgumentParser(prog="python -m training.emotion.mirror", description=__doc__)
    parser.add_argument("--parent", type=Path, required=True, help="a run whose shape differs in its windows only")
    parser.add_argument("--shape", choices=shapes, default="m32-48-96-256-i192")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    state = checkpoint.load(options.parent / "last.pt")
    donor, net = build(state["config"]["shape"]), build(options.shape)
    donor.load_state_dict(state["ema"])
    taken = inherit(net, options.parent / "last.pt")
    widen_stem(net, donor)
    images = data.load(options.data, "train").images
    rng = np.random.default_rng(0)
    shuffled = images[rng.permutation(len(images))]
    symmetry.find_partners(net.eval(), torch.from_numpy(shuffled[:FACES, :, :, None]))
    symmetry.project(net)
    settle(net, augment_batch(shuffled[:VIEWS], AugmentConfig(), rng))
    symmetry.project(net)
    config = {**state["config"], "shape": options.shape}
    checkpoint.save(options.run / "last.pt", {"config": config, "epoch": state["epoch"], "ema": net.state_dict()})
    RunLog(options.run / "log.jsonl").write(
        event="mirror",
        commit=provenance.head_commit(),
        command=provenance.command_line(),
        config=config,
        parent=(options.parent / "last.pt").as_posix(),
        inherited=taken,
    )


if __name__ == "__main__":
    main()
