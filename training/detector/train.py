"""Trains the detector: one round, from random weights or from an earlier round's average."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from training.common.recipe import Machine
from training.common.trainer import Schedule, Trainer, decayed, load_average, mixed_precision
from training.detector.batches import Batch, BatchConfig, Batches, Material
from training.detector.losses import LossWeights, Targets, detector_loss
from training.detector.model import FaceDetector, ModelConfig, cell_centres


@dataclass(frozen=True)
class TrainConfig:
    """How one round is trained (AdamW)."""

    steps: int
    peak_rate: float = 2e-3
    final_rate: float = 0.01  # of peak_rate
    warmup: int = 300
    weight_decay: float = 0.02
    ema: float = 0.9995
    clip_norm: float = 10.0
    batches: BatchConfig = field(default_factory=BatchConfig)
    losses: LossWeights = field(default_factory=LossWeights)
    model: ModelConfig = field(default_factory=ModelConfig)


class Loss:
    """The detector's loss on a device, with a grid of cells per input size."""

    def __init__(self, weights: LossWeights, device: torch.device) -> None:
        self._weights, self._device = weights, device
        self._grids: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}

    def __call__(self, network: FaceDetector, host: Batch) -> dict[str, Tensor]:
        batch = {name: value.to(self._device, non_blocking=True) for name, value in host.items()}
        pictures = batch["pictures"].permute(0, 3, 1, 2).float()  # NHWC storage: channels_last without a copy
        size = (pictures.shape[2], pictures.shape[3])
        if size not in self._grids:
            centres, strides = cell_centres(*size)
            self._grids[size] = (centres.to(self._device), strides.to(self._device))
        with mixed_precision(self._device):
            raw = network(pictures)
        targets = Targets(batch["boxes"], batch["landmarks"], batch["real"], batch["ignore"])
        return detector_loss(raw.float(), *self._grids[size], targets, self._weights)


def train(folder: Path, config: TrainConfig, material: Material, first: Path | None, machine: Machine) -> None:
    """Train to the last step into `folder`, from where an interrupted run stopped; `first` is the checkpoint of an
    earlier round whose averaged weights it begins with."""
    torch.manual_seed(config.batches.seed)
    network = FaceDetector(config.model)
    if first is not None:
        network.load_state_dict(load_average(first, FaceDetector(config.model)).state_dict())
        network.requires_grad_(True)
    network.to(machine.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from the stubs
    optimiser = torch.optim.AdamW(decayed(network, config.weight_decay), lr=config.peak_rate)
    warmup = min(config.warmup, config.steps)
    schedule = Schedule(config.steps, warmup, config.peak_rate, config.final_rate, config.ema)
    loss = Loss(config.losses, machine.device)
    trainer = Trainer(folder, network, optimiser, schedule, loss, clip_norm=config.clip_norm)
    trainer.run(Batches(material, config.batches, config.steps), machine)


def trained(folder: Path, config: ModelConfig) -> FaceDetector:
    """The averaged network of a finished or interrupted round."""
    return load_average(folder / "last.pt", FaceDetector(config))
