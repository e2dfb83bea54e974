"""Trains several nets side by side on one GPU: `python -m training.emotion.cohort --member RUN SHAPE SEED ...`.

They see the same views and hear the same teachers, so that what costs most, making views and asking teachers, is done
once. Each begins by itself and steps by itself: as members of an ensemble, or as seeds of one recipe. On a machine
without a GPU the same program runs on the CPU, slowly.
"""

import argparse
import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from training.common import checkpoint, digest, precision, provenance
from training.common.runlog import RunLog
from training.common.schedule import ema_decay, warmup_cosine
from training.common.streams import Streams, captured
from training.emotion import data, targets
from training.emotion.config import TrainConfig
from training.emotion.faculty import Faculty
from training.emotion.flat import FlatNet
from training.emotion.inherit import inherit
from training.emotion.labels import NO_LABEL
from training.emotion.metrics import softmax
from training.emotion.mixing import MixConfig
from training.emotion.model import ZOO, EmotionNet, build
from training.emotion.views import ViewMaker


class Aim(NamedTuple):
    """What one head is to say, on the device."""

    distribution: Tensor  # [n, k]
    weight: Tensor  # [n]

    def mixed(self, taught: Tensor, share: float) -> "Aim":
        """As `targets.Targets.mixed`."""
        ours = (1 - share) * self.weight
        weight = ours + share
        return Aim((ours[:, None] * self.distribution + share * taught) / weight[:, None], weight)


class Slots(NamedTuple):
    """One step's material; on the device, where each step's is copied to the place of the one before."""

    images: Tensor  # uint8 [n, side, side, 1], for the members
    views: Tensor  # uint8 [n, 48, 48, 1], for the teachers
    crowd: Aim
    fer2013: Aim
    rarity: Tensor  # [n]

    def to(self, device: torch.device) -> "Slots":
        """A copy on `device`."""
        crowd, fer2013 = (Aim(*(part.to(device, copy=True) for part in aim)) for aim in (self.crowd, self.fer2013))
        images, views, rarity = (part.to(device, copy=True) for part in (self.images, self.views, self.rarity))
        return Slots(images, views, crowd, fer2013, rarity)

    def tensors(self) -> list[Tensor]:
        """All of it, in one order."""
        return [self.images, self.views, *self.crowd, *self.fer2013, self.rarity]


class Steps(Dataset[Slots]):
    """Every step of a whole training, in order; each made by whichever process is free."""

    def __init__(self, maker: ViewMaker) -> None:
        self._maker = maker
        self._dealt: tuple[int, list[np.ndarray]] = (-1, [])

    def __len__(self) -> int:
        return self._maker.config.epochs * self._maker.steps_per_epoch

    def __iter__(self) -> Iterator[Slots]:
        return (self[step] for step in range(len(self)))

    def __getitem__(self, step: int) -> Slots:
        epoch, index = divmod(step, self._maker.steps_per_epoch)
        if self._dealt[0] != epoch:
            self._dealt = (epoch, self._maker.deal(epoch))
        made = self._maker.material(epoch, index, self._dealt[1][index])
        images, views = (torch.from_numpy(pictures[..., None]) for pictures in (made.images, made.views))
        crowd, fer2013 = (Aim(*(torch.from_numpy(part) for part in aim)) for aim in (made.crowd, made.fer2013))
        return Slots(images, views, crowd, fer2013, torch.from_numpy(made.rarity))


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
        crowd, fer2013 = (Aim(aim.distribution, aim.weight * slots.rarity) for aim in (crowd, fer2013))
        self.streams.side_by_side(
            [partial(member.step, slots.images, crowd, fer2013, self.rate, self.towards) for member in self.members]
        )


def _weighed(logits: Tensor, aim: Aim) -> Tensor:
    loss = functional.cross_entropy(logits.float(), aim.distribution, reduction="none")
    return (loss * aim.weight).sum() / aim.weight.sum()


@torch.inference_mode()
def _logits(net: EmotionNet, images: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Both heads' logits on `images`, uint8 [n, 48, 48, 1]."""
    with precision.mixed(images.device.type):
        outputs = net(images)
    return outputs.ferplus.float().cpu().numpy(), outputs.fer2013.float().cpu().numpy()


def figures(crowd: np.ndarray, single: np.ndarray, faces: data.Faces) -> dict[str, float]:
    """Per cent right of probabilities [n, 8] and [n, 7], and how far the votes of protocol A's faces are from them."""
    kept, label = targets.protocol_a(faces.votes)
    known = faces.fer2013 != NO_LABEL
    votes = targets.vote_targets(faces.votes).distribution
    gap = (votes * (np.log(np.maximum(votes, 1e-12)) - np.log(np.maximum(crowd, 1e-12)))).sum(axis=1)[kept].mean()
    return {
        "protocol_a": round(100 * float((crowd.argmax(axis=1) == label)[kept].mean()), 2),
        "protocol_b": round(100 * float((crowd.argmax(axis=1) == targets.protocol_b(faces.votes)).mean()), 2),
        "fer2013": round(100 * float((single.argmax(axis=1) == faces.fer2013)[known].mean()), 2),
        "kl": round(float(gap), 4),
    }


def report(members: Sequence[Member], faces: data.Faces, images: Tensor) -> list[dict[str, float]]:
    """The figures of each member's average, then those of all of them together."""
    said = [tuple(softmax(logits) for logits in _logits(member.average.net, images)) for member in members]
    together = tuple(np.mean(heads, axis=0) for heads in zip(*said, strict=True))
    return [figures(crowd, single, faces) for crowd, single in [*said, together]]


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion.cohort", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument(
        "--member", action="append", nargs="+", required=True, metavar="RUN SHAPE SEED [PARENT]", help="one a net"
    )
    parser.add_argument("--teacher", type=Path, nargs="+", default=[], help="checkpoints to learn from")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0, help="of the views")
    parser.add_argument("--workers", type=int, default=0, help="processes that make views; 0: this one does")
    parser.add_argument("--photographs", action="store_true", help="faces without votes too: see `carry`")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--eager", action="store_true", help="start each kernel by itself: slow, to find a fault")
    parser.add_argument("--check-every", type=int, default=10, help="epochs between figures and checkpoints")
    parser.add_argument("--until", type=float, help="seconds after which the training stops where it is")
    for name, default in {
        "peak-rate": TrainConfig.peak_rate,
        "weight-decay": TrainConfig.weight_decay,
        "dropout": TrainConfig.dropout,
        "small-share": TrainConfig.small_share,
        "calm-share": TrainConfig.calm_share,
        "teacher-share": TrainConfig.teacher_share,
        "fer2013-weight": TrainConfig.fer2013_weight,
        "rare-power": TrainConfig.rare_power,
        "mix": MixConfig.chance,
        "ema": TrainConfig.ema,
    }.items():
        parser.add_argument(f"--{name}", type=float, default=default, help="as `train` has it")
    parser.add_argument("--small-side", type=int, default=TrainConfig.small_side, help="px, of the early epochs' faces")
    parser.add_argument("--batch", type=int, default=TrainConfig.batch)
    options = parser.parse_args(arguments)
    for member in options.member:
        if len(member) not in {3, 4} or member[1] not in ZOO or not member[2].isdigit():
            parser.error(f"--member {' '.join(member)}: RUN SHAPE SEED [PARENT], of the shapes {', '.join(ZOO)}")
    return options


def config_of(options: argparse.Namespace) -> TrainConfig:
    """What all members have in common; the seed is that of the views."""
    return TrainConfig(
        shape=options.member[0][1],
        epochs=options.epochs,
        seed=options.seed,
        batch=options.batch,
        peak_rate=options.peak_rate,
        weight_decay=options.weight_decay,
        dropout=options.dropout,
        small_side=options.small_side,
        small_share=options.small_share,
        calm_share=options.calm_share,
        teacher_share=options.teacher_share,
        fer2013_weight=options.fer2013_weight,
        rare_power=options.rare_power,
        ema=options.ema,
        unlabelled=options.photographs,
        mix=MixConfig(chance=options.mix),
    )


def main() -> None:
    """Train to the last epoch, with checkpoints and figures on the way."""
    options = parse()
    cv2.setNumThreads(1)
    torch.backends.cudnn.benchmark = True  # one shape of batch, thousands of times
    common, device = config_of(options), torch.device(options.device)
    train, valid = data.load(options.data, "train"), data.load(options.data, "valid")
    extra = data.load(options.data, data.PHOTOGRAPHS) if options.photographs else data.nobody()
    resembling = data.twins(extra.images, valid.images, common.twin_threshold)
    extra = extra.rows(~resembling)
    maker = ViewMaker(common, train.joined(extra))
    loader = DataLoader(
        Steps(maker),
        batch_size=None,
        num_workers=options.workers,
        pin_memory=device.type == "cuda",
        prefetch_factor=4 if options.workers else None,
    )
    steps = iter(loader)  # the processes begin before the GPU is touched
    twins = int(data.twins(train.images, valid.images, common.twin_threshold).sum())
    members = []
    for folder, shape, seed, *parent in options.member:
        config = replace(common, shape=shape, seed=int(seed))
        members.append(Member(Path(folder), config, device, Path(parent[0]) if parent else None))
        members[-1].log.write(
            event="start",
            commit=provenance.head_commit(),
            command=provenance.command_line(),
            device=torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            seed_of_views=common.seed,
            beside=[other for other, *_ in options.member if other != folder],
            train=len(train),
            unlabelled=len(extra),
            unlabelled_like_valid=int(resembling.sum()),
            valid=len(valid),
            twins_of_valid=twins,
            twins_dropped=0,
            left_out=0,
            parent=parent[0] if parent else None,
            inherited=members[-1].inherited,
            teachers=[{"file": path.as_posix(), "sha256": digest.sha256(path)} for path in options.teacher],
            config=asdict(config),
        )
    cohort = Cohort(members, options.teacher, device, options.eager)
    valid_images = torch.from_numpy(valid.images[..., None]).to(device)
    per_epoch, begun = maker.steps_per_epoch, time.monotonic()
    noted = begun
    for epoch in range(1, common.epochs + 1):
        losses = cohort.train_epoch(steps, epoch - 1, per_epoch)
        now = time.monotonic()
        late = options.until is not None and now - begun > options.until
        if epoch % options.check_every and epoch < common.epochs and not late:
            print(f"epoch {epoch} after {now - begun:.1f} s: losses {losses}", flush=True)
            continue
        seconds, noted = round(now - noted, 2), now
        *each, together = report(members, valid, valid_images)
        for member, loss, values in zip(members, losses, each, strict=True):
            member.save(epoch)
            member.log.write(epoch=epoch, loss=loss, seconds=seconds, run=member.folder.as_posix(), **values)
        print(f"together: {together}", flush=True)
        if late:
            print(f"stopped after {epoch} of {common.epochs} epochs: --until {options.until} s are over", flush=True)
            break


if __name__ == "__main__":
    main()
