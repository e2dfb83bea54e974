"""Trains one emotion network, by itself on the votes or under teachers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from training.common.recipe import Machine
from training.common.trainer import Schedule, Trainer, decayed, load_average, mixed_precision
from training.emotion import data, symmetry
from training.emotion.batches import Batch, BatchConfig, Batches, Target
from training.emotion.model import SHAPES, EmotionNet


@dataclass(frozen=True)
class TrainConfig:
    """How one network is trained."""

    shape: str
    batches: BatchConfig
    peak_rate: float = 0.1
    warmup_epochs: float = 1.0
    momentum: float = 0.9
    weight_decay: float = 5e-4
    dropout: float = 0.0
    fer2013_weight: float = 0.6
    ema: float = 0.9995
    teacher_share: float = 0.95  # of the target, where there are teachers; the rest is the votes
    teachers_per_step: int = 1  # in turn; 0: the mean of all


class Loss:
    """Cross-entropy of both heads with the votes and what the teachers say."""

    def __init__(self, config: TrainConfig, teachers: Sequence[EmotionNet], device: torch.device) -> None:
        self._config, self._device = config, device
        self._teachers = [teacher.to(device, memory_format=torch.channels_last) for teacher in teachers]  # type: ignore[call-overload]

    def __call__(self, network: EmotionNet, host: Batch) -> dict[str, Tensor]:
        batch = host.to(self._device)
        ferplus, fer2013 = batch.ferplus, batch.fer2013
        with mixed_precision(self._device):
            if self._teachers:
                probabilities = self._taught(batch)
                ferplus, fer2013 = (
                    target.taught(mean, self._config.teacher_share)
                    for target, mean in zip((ferplus, fer2013), probabilities, strict=True)
                )
            outputs = network(batch.images)
        votes = _cross_entropy(outputs.ferplus, Target(ferplus.distribution, ferplus.weight * batch.rarity))
        labels = _cross_entropy(outputs.fer2013, fer2013)
        return {"loss": votes + self._config.fer2013_weight * labels, "votes": votes}

    @torch.no_grad()
    def _taught(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Mean probabilities of the teachers of this step: [n, 8] and [n, 7]."""
        count = self._config.teachers_per_step or len(self._teachers)
        drawn = [(batch.step + index) % len(self._teachers) for index in range(min(count, len(self._teachers)))]
        outputs = [self._teachers[index](batch.views) for index in drawn]
        ferplus, fer2013 = zip(*((one.ferplus.float(), one.fer2013.float()) for one in outputs), strict=True)
        return _mean_probabilities(ferplus), _mean_probabilities(fer2013)


def train(
    folder: Path, config: TrainConfig, faces: data.Faces, teachers: Sequence[EmotionNet], machine: Machine
) -> None:
    """Train to the last step into `folder`, from where an interrupted run stopped."""
    torch.manual_seed(config.batches.seed)
    batches = Batches(faces, config.batches)
    network = EmotionNet(SHAPES[config.shape], config.dropout)
    symmetry.project(network)
    network.to(machine.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in the stubs
    groups = decayed(network, config.weight_decay)
    optimiser = torch.optim.SGD(groups, lr=config.peak_rate, momentum=config.momentum, nesterov=True)
    warmup = max(1, round(config.warmup_epochs * batches.per_epoch))
    schedule = Schedule(
        steps=len(batches),
        warmup=warmup,
        peak_rate=config.peak_rate,
        ema=config.ema,
        seed=config.batches.seed,
        save_every=batches.per_epoch,
    )
    loss = Loss(config, teachers, machine.device)
    trainer = Trainer(folder, network, optimiser, schedule, loss, symmetry.project)
    trainer.run(batches, machine)


def trained(folder: Path, shape: str) -> EmotionNet:
    """The averaged network of a finished or interrupted training."""
    return load_average(folder / "last.pt", EmotionNet(SHAPES[shape]))


def _cross_entropy(logits: Tensor, target: Target) -> Tensor:
    loss = functional.cross_entropy(logits.float(), target.distribution, reduction="none")
    return (loss * target.weight).sum() / target.weight.sum().clamp(min=1e-3)


def _mean_probabilities(logits: Sequence[Tensor]) -> Tensor:
    return torch.stack([one.softmax(dim=1) for one in logits]).mean(dim=0)
