"""The one training loop: both models, on a CPU and on a GPU, resumable to the step.

Everything that a resumed run needs is in `last.pt`; learning rates, dropout and batches follow from the step alone.
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, Dataset

from training.common.recipe import Machine
from training.common.stages import clock

Net = TypeVar("Net", bound=nn.Module)
Batch = TypeVar("Batch")


@dataclass(frozen=True)
class Schedule:
    """A linear warm-up to `peak_rate`, then half a cosine down to `final_rate` of it; `ema` is the averaging decay."""

    steps: int
    warmup: int
    peak_rate: float
    final_rate: float = 0.0
    ema: float = 0.9995
    seed: int = 0  # of dropout
    save_every: int = 500
    log_every: int = 100

    def rate(self, step: int) -> float:
        """Learning rate at `step`, counted from 0."""
        if step < self.warmup:
            return self.peak_rate * (step + 1) / self.warmup
        progress = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        floor = self.final_rate * self.peak_rate
        return floor + (self.peak_rate - floor) * 0.5 * (1.0 + math.cos(math.pi * progress))


class Trainer(Generic[Net, Batch]):
    """A network, its moving average (the one that is exported) and its optimiser.

    `loss` makes named scalars of a batch: the one called `loss` is minimised, the others are logged. `after_step` is
    called with the network after each step, to keep what it must stay (a symmetry).
    """

    def __init__(
        self,
        folder: Path,
        network: Net,
        optimiser: torch.optim.Optimizer,
        schedule: Schedule,
        loss: Callable[[Net, Batch], Mapping[str, Tensor]],
        after_step: Callable[[Net], None] = lambda _: None,
        clip_norm: float = math.inf,
    ) -> None:
        self.folder, self.network, self.optimiser, self.schedule = folder, network.train(), optimiser, schedule
        self._loss, self._after_step, self._clip_norm = loss, after_step, clip_norm
        self.average: AveragedModel = AveragedModel(network, multi_avg_fn=self._average, use_buffers=True)
        self.step = 0
        if (folder / "last.pt").is_file():
            self._restore(load_checkpoint(folder / "last.pt"))

    def run(self, batches: Dataset[Batch], machine: Machine) -> None:
        """Train to the last step; `batches[step]` is the batch of a step."""
        sums: dict[str, Tensor] = {}
        began, logged = time.monotonic(), self.step
        for batch in self._loader(batches, machine):
            for name, value in self._take_step(batch).items():
                sums[name] = sums.get(name, torch.zeros((), device=value.device)) + value.detach()
            last = self.step == self.schedule.steps
            if self.step % self.schedule.log_every == 0 or last:
                spent, count = time.monotonic() - began, self.step - logged
                self._log(spent, count, {name: float(value) / count for name, value in sums.items()})
                sums, began, logged = {}, time.monotonic(), self.step
            if self.step % self.schedule.save_every == 0 or last:
                self._save()

    def _loader(self, batches: Dataset[Batch], machine: Machine) -> Iterator[Batch]:
        loader: DataLoader[Batch] = DataLoader(
            batches,
            batch_size=None,
            sampler=range(self.step, self.schedule.steps),
            num_workers=machine.workers,
            pin_memory=machine.device.type == "cuda",
            prefetch_factor=6 if machine.workers else None,
        )
        return iter(loader)

    def _take_step(self, batch: Batch) -> Mapping[str, Tensor]:
        torch.manual_seed(self.schedule.seed * 1_000_003 + self.step)  # a resumed run draws what any other does
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate(self.step)
        parts = self._loss(self.network, batch)
        self.optimiser.zero_grad(set_to_none=True)
        parts["loss"].backward()  # type: ignore[no-untyped-call]
        if math.isfinite(self._clip_norm):
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._clip_norm)
        self.optimiser.step()
        self._after_step(self.network)
        self.average.update_parameters(self.network)
        self.step += 1
        return parts

    @torch.no_grad()
    def _average(self, own: Sequence[Tensor], new: Sequence[Tensor], _: Tensor | int) -> None:
        """A moving average whose decay grows from 0.1 to `ema`, so that the random start is soon forgotten."""
        decay = min(self.schedule.ema, (1.0 + self.step) / (10.0 + self.step))
        for mine, theirs in zip(own, new, strict=True):
            if mine.is_floating_point():
                mine.lerp_(theirs, 1.0 - decay)
            else:
                mine.copy_(theirs)

    def _log(self, spent: float, count: int, means: Mapping[str, float]) -> None:
        left = spent / count * (self.schedule.steps - self.step)
        values = {name: round(value, 4) for name, value in means.items()}
        line = {"step": self.step, "seconds": round(spent, 1), **values}
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        shown = ", ".join(f"{name} {value:.4f}" for name, value in values.items())
        print(f"  step {self.step} of {self.schedule.steps}: {shown}; {clock(left)} left", flush=True)

    def _save(self) -> None:
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        save_checkpoint(self.folder / "last.pt", state)

    def _restore(self, state: Mapping[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = int(state["step"])


def load_average(path: Path, network: Net) -> Net:
    """`network` with the averaged weights of the checkpoint at `path`, ready for inference."""
    average = AveragedModel(network)
    average.load_state_dict(load_checkpoint(path)["average"])
    averaged: Net = average.module  # type: ignore[assignment]
    return averaged.eval().requires_grad_(False)


def decayed(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups: weight decay on filters and matrices; norms and biases are left free."""
    parameters = list(network.parameters())
    return [
        {"params": [one for one in parameters if one.ndim > 1], "weight_decay": weight_decay},
        {"params": [one for one in parameters if one.ndim <= 1], "weight_decay": 0.0},
    ]


def mixed_precision(device: torch.device) -> torch.autocast:
    """bf16 where the processor has it (twice as fast); fp32 where it would be emulated (14 times as slow, measured)."""
    enabled = device.type != "cpu" or "AVX512" in torch.backends.cpu.get_cpu_capability()
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` so that `path` always holds a whole checkpoint, even when the process dies while writing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(path.suffix + ".partial")
    torch.save(state, partial)
    partial.replace(path)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU; only tensors and plain values are allowed in it (no pickled code)."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state
