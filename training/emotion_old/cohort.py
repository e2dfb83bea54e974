"""Trains several nets side by side on one GPU: `python -m training.emotion.cohort --member RUN SHAPE SEED ...`.

They see the same views and hear the same teachers, so that what costs most, making views and asking teachers, is done
once. Each begins by itself and steps by itself: as members of an ensemble, or as seeds of one recipe. On a machine
without a GPU the same program runs on the CPU, slowly.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from training.common import digest, provenance
from training.emotion import council, data, recipe
from training.emotion.config import TrainConfig
from training.emotion.members import Cohort, Member
from training.emotion.model import ZOO
from training.emotion.steps import Steps
from training.emotion.views import ViewMaker


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
    recipe.add(parser)
    parser.add_argument("--weight-decay", type=float, default=TrainConfig.weight_decay)
    parser.add_argument("--batch", type=int, default=TrainConfig.batch)
    options = parser.parse_args(arguments)
    for member in options.member:
        if len(member) not in {3, 4} or member[1] not in ZOO or not member[2].isdigit():
            parser.error(f"--member {' '.join(member)}: RUN SHAPE SEED [PARENT], of the shapes {', '.join(ZOO)}")
    if wrong := recipe.complaint(options, taught=bool(options.teacher), needs_teachers=options.photographs):
        parser.error(wrong)
    return options


def config_of(options: argparse.Namespace) -> TrainConfig:
    """What all members have in common; the seed is that of the views."""
    given = TrainConfig(
        shape=options.member[0][1],
        epochs=options.epochs,
        seed=options.seed,
        batch=options.batch,
        weight_decay=options.weight_decay,
        unlabelled=options.photographs,
    )
    return recipe.chosen(options, given)


class Clock:
    """When a training began, and when it last told of itself."""

    def __init__(self, until: float | None) -> None:
        """`until`: the seconds that it has; None: as many as it takes."""
        self._begun = self._told = time.monotonic()
        self._until = until

    @property
    def late(self) -> bool:
        return self._until is not None and time.monotonic() - self._begun > self._until

    def since_told(self) -> float:
        """Seconds since this was last asked."""
        now = time.monotonic()
        seconds, self._told = now - self._told, now
        return round(seconds, 2)


def main() -> None:
    """Train to the last epoch, with checkpoints and figures on the way."""
    options = parse()
    cv2.setNumThreads(1)
    torch.backends.cudnn.benchmark = True  # one shape of batch, thousands of times
    config, device = config_of(options), torch.device(options.device)
    train, valid = data.load(options.data, "train"), data.load(options.data, "valid")
    extra = data.load(options.data, data.PHOTOGRAPHS) if options.photographs else data.nobody()
    resembling = data.twins(extra.images, valid.images, config.twin_threshold)
    extra = extra.rows(~resembling)
    maker = ViewMaker(config, train.joined(extra))
    loader = DataLoader(
        Steps(maker),
        batch_size=None,
        num_workers=options.workers,
        pin_memory=device.type == "cuda",
        prefetch_factor=4 if options.workers else None,
    )
    steps = iter(loader)  # the processes begin before the GPU is touched
    facts = {
        "train": len(train),
        "unlabelled": len(extra),
        "unlabelled_like_valid": int(resembling.sum()),
        "valid": len(valid),
        "twins_of_valid": int(data.twins(train.images, valid.images, config.twin_threshold).sum()),
        "twins_dropped": 0,
        "left_out": 0,
    }
    members = _members(options, config, device, facts)
    cohort = Cohort(members, options.teacher, device, options.eager)
    images = torch.from_numpy(valid.images[..., None]).to(device)
    clock = Clock(options.until)
    for epoch in range(1, config.epochs + 1):
        losses = cohort.train_epoch(steps, epoch - 1, maker.steps_per_epoch)
        last = epoch == config.epochs or clock.late
        if epoch % options.check_every == 0 or last:
            _tell(members, epoch, losses, clock.since_told(), valid, images)
        if last:
            print(f"stopped after {epoch} of {config.epochs} epochs", flush=True)
            break


def _members(
    options: argparse.Namespace, common: TrainConfig, device: torch.device, facts: dict[str, int]
) -> list[Member]:
    """The members that the command line names, their logs begun."""
    members = []
    for folder, shape, seed, *parent in options.member:
        config = replace(common, shape=shape, seed=int(seed))
        member = Member(Path(folder), config, device, Path(parent[0]) if parent else None)
        member.log.write(
            event="start",
            commit=provenance.head_commit(),
            command=provenance.command_line(),
            device=torch.cuda.get_device_name(device) if device.type == "cuda" else "",
            seed_of_views=common.seed,
            beside=[other for other, *_ in options.member if other != folder],
            **facts,
            parent=parent[0] if parent else None,
            inherited=member.inherited,
            teachers=[{"file": path.as_posix(), "sha256": digest.sha256(path)} for path in options.teacher],
            config=asdict(config),
        )
        members.append(member)
    return members


def _tell(
    members: Sequence[Member], epoch: int, losses: Sequence[float], seconds: float, faces: data.Faces, images: Tensor
) -> None:
    """Write each member's checkpoint and figures on `faces`, whose `images` are on the device, and those of all."""
    said = [member.said(images) for member in members]
    for member, loss, answers in zip(members, losses, said, strict=True):
        member.save(epoch)
        figures = council.figures(answers, faces)._asdict()
        member.log.write(epoch=epoch, loss=loss, seconds=seconds, run=member.folder.as_posix(), **_rounded(figures))
    print(f"together: {_rounded(council.figures(council.mean(said), faces)._asdict())}", flush=True)


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4 if name == "kl" else 2) for name, value in figures.items()}


if __name__ == "__main__":
    main()
