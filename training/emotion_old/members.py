"""Nets that step together: each by itself, on the same material."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from training.common import checkpoint, precision
from training.common.runlog import RunLog
from training.common.schedule import ema_decay, warmup_cosine
from training.common.streams import Streams, captured
from training.emotion import council
from training.emotion.config import TrainConfig
from training.emotion.faculty import Faculty
from training.emotion.flat import FlatNet
from training.emotion.inherit import inherit
from training.emotion.model import build
from training.emotion.steps import Aim, Slots


class Member:
    """A net, its average, its momentum and its log."""

    def __init__(self, folder: Path, config: TrainConfig, device: torch.device, parent: Path | None) -> None:
        torch.manual_seed(config.seed)
        net = build(config.shape, config.dropout)
        self.inherited = [] if parent is None else inherit(net, parent)
        net.to(device)
        self.folder, self.config = folder, config
        self.log = RunLog(folder / "log.jsonl")
        self.average = FlatNet(copy.deepcopy(net).eval().requires_grad_(False))
        self.flat = FlatNet(net.train())
        self.flat.mirror()
        self.average.vector.copy_(self.flat.vector)
        self.momentum = torch.zeros_like(self.flat.vector)
        self.gradient = torch.zeros_like(self.flat.vector)
        self.loss = torch.zeros((), device=device)  # summed over the epoch's steps

    def step(self, images: Tensor, crowd: Aim, fer2013: Aim, rate: Tensor, towards: Tensor) -> None:
        """One step of SGD with Nesterov's momentum at `rate`; then the average moves by `towards` of the way."""
        flat, config = self.flat, self.config
        with precision.mixed(images.device.type):
            outputs = flat.net(images)
        loss = _weighed(outputs.ferplus, crowd) + config.fer2013_weight * _weighed(outputs.fer2013, fer2013)
        gradients = torch.autograd.grad(loss, flat.weights)
        with torch.no_grad():
            flat.lay_out(gradients, self.gradient)
            slope = torch.addcmul(self.gradient, flat.decays, flat.vector, value=config.weight_decay)
            self.momentum.mul_(config.momentum).add_(slope)
            flat.vector.sub_(rate * slope.add_(self.momentum, alpha=config.momentum))
            flat.mirror()
            self.average.vector.lerp_(flat.vector, towards)
            self.loss += loss.detach()

    def state(self) -> list[Tensor]:
        """Everything that a step changes."""
        return [self.flat.vector, self.average.vector, self.momentum, self.loss]

    @torch.inference_mode()
    def said(self, images: Tensor) -> council.Said:
        """What the average says of `images`, uint8 [n, 48, 48, 1]."""
        with precision.mixed(images.device.type):
            outputs = self.average.net(images)
        crowd, single = (logits.float().softmax(dim=1).cpu().numpy() for logits in outputs[:2])
        return council.Said(crowd, single)

    def save(self, epoch: int) -> None:
        """Write what a run of `train` leaves, without the optimiser's state: a parent and a teacher like others."""
        net, average = (
            {name: value.detach().cpu().contiguous().clone() for name, value in flat.net.state_dict().items()}
            for flat in (self.flat, self.average)
        )
        state = {"config": asdict(self.config), "epoch": epoch, "net": net, "ema": average}
        checkpoint.save(self.folder / "last.pt", state)


class Cohort:
    """Members that step together."""

    def __init__(
        self, members: Sequence[Member], teachers: Sequence[Path], device: torch.device, eager: bool = False
    ) -> None:
        """`eager`: no streams and no recorded steps, on a GPU either."""
        self.members = members
        self.device = device
        self.records = device.type == "cuda" and not eager
        self.streams = Streams(device, max(len(members), len(teachers)) if self.records else 0)
        self.faculty = Faculty(teachers, device, self.streams) if teachers else None
        self.rate = torch.zeros((), device=device)
        self.towards = torch.zeros((), device=device)
        self._steps: dict[int, tuple[Slots, Callable[[], None]]] = {}  # by the side of the pictures

    def step(self, material: Slots, rate: float, decay: float) -> None:
        """One step of every member on `material`."""
        slots, run = self._prepared(material)
        for ours, theirs in zip(slots.tensors(), material.tensors(), strict=True):
            ours.copy_(theirs, non_blocking=True)
        self.rate.fill_(rate)
        self.towards.fill_(1 - decay)
        run()

    def train_epoch(self, steps: Iterator[Slots], epoch: int, per_epoch: int) -> list[float]:
        """Epoch `epoch`, counted from 0, of `per_epoch` steps; returns each member's mean loss."""
        config = self.members[0].config
        total, warmup = config.epochs * per_epoch, int(config.warmup_epochs * per_epoch)
        for step in range(epoch * per_epoch, (epoch + 1) * per_epoch):
            rate = warmup_cosine(step, total, warmup, config.peak_rate)
            self.step(next(steps), rate, ema_decay(step, config.ema))
        losses = [round(float(member.loss) / per_epoch, 4) for member in self.members]
        for member in self.members:
            member.loss.zero_()
        return losses

    def _prepared(self, material: Slots) -> tuple[Slots, Callable[[], None]]:
        side = material.images.shape[1]
        if side not in self._steps:
            slots = material.to(self.device)
            before = [[one.clone() for one in member.state()] for member in self.members]

            def undo() -> None:
                for member, state in zip(self.members, before, strict=True):
                    for ours, saved in zip(member.state(), state, strict=True):
                        ours.copy_(saved)

            step = partial(self._step, slots)
            self._steps[side] = (slots, captured(step, undo) if self.records else step)
        return self._steps[side]

    def _step(self, slots: Slots) -> None:
        crowd, fer2013 = slots.crowd, slots.fer2013
        if self.faculty is not None:
            said = self.faculty.probabilities(slots.views)
            share = self.members[0].config.teacher_share
            crowd, fer2013 = crowd.mixed(said.ferplus, share), fer2013.mixed(said.fer2013, share)
        crowd = Aim(crowd.distribution, crowd.weight * slots.rarity)
        self.streams.side_by_side(
            [partial(member.step, slots.images, crowd, fer2013, self.rate, self.towards) for member in self.members]
        )


def _weighed(logits: Tensor, aim: Aim) -> Tensor:
    loss = functional.cross_entropy(logits.float(), aim.distribution, reduction="none")
    return (loss * aim.weight).sum() / aim.weight.sum()
