"""Trains the detector: `python -m training.detector.train --run runs/detector/first --iterations 15000`.

Everything a resumed run needs (weights, their moving average, optimiser, position) is in `<run>/last.pt`; the
learning rate and the batches follow from the iteration alone.
"""

from __future__ import annotations

import argparse
import json
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from training.common import checkpoint, provenance
from training.common.ema import Ema
from training.common.schedule import ema_decay, warmup_cosine
from training.detector.data import Photograph, PixelCache, load_photographs
from training.detector.deepen import deepen
from training.detector.labels import Mistakes, read_mistakes
from training.detector.loader import Batch, BatchConfig, Batches
from training.detector.losses import LossWeights, Targets, detector_loss
from training.detector.model import SHAPES, STRIDES, FaceDetector, ModelConfig, cell_centres
from training.detector.tiles import Tiles, load_tiles


@dataclass(frozen=True)
class TrainConfig:
    iterations: int = 15000
    learning_rate: float = 2e-3
    final_rate: float = 0.01  # of learning_rate
    warmup: int = 300
    weight_decay: float = 0.02
    average: float = 0.9995
    clip_norm: float = 10.0
    save_every: int = 500
    log_every: int = 50
    bfloat16: bool = True


def rate(config: TrainConfig, iteration: int) -> float:
    """Learning rate of an iteration: linear warm-up, then half a cosine."""
    floor = config.final_rate * config.learning_rate
    return warmup_cosine(iteration, config.iterations, config.warmup, config.learning_rate, floor)


def optimiser_for(model: FaceDetector, config: TrainConfig) -> torch.optim.AdamW:
    """Weight decay on convolutions only; norms and biases go free."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    free = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate)


class Trainer:
    """One run: the network, its average, the optimiser, and where they stand."""

    def __init__(self, run: Path, config: TrainConfig, model_config: ModelConfig, weights: LossWeights) -> None:
        self.run, self.config, self.weights = run, config, weights
        self.model = FaceDetector(model_config)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from the stubs
        self.average = Ema(self.model)  # the network that is exported
        self.optimiser = optimiser_for(self.model, config)
        self.iteration = 0
        self._grids: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}

    def step(self, batch: Batch) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = rate(self.config, self.iteration)
        pictures = batch["pictures"].permute(0, 3, 1, 2).float()  # NHWC storage: channels_last without a copy
        size = (pictures.shape[2], pictures.shape[3])
        if size not in self._grids:
            self._grids[size] = cell_centres(*size)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.config.bfloat16):
            raw = self.model(pictures)
        targets = Targets(batch["boxes"], batch["landmarks"], batch["real"], batch["ignore"])
        loss, parts = detector_loss(raw.float(), *self._grids[size], targets, self.weights)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self.optimiser.step()
        self.average.update(self.model, ema_decay(self.iteration, self.config.average))
        self.iteration += 1
        return parts

    def save(self, path: Path) -> None:
        state: dict[str, Any] = {
            "iteration": self.iteration,
            "model_config": asdict(self.model.config),
            "model": self.model.state_dict(),
            "average": self.average.module.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        checkpoint.save(path, state)

    def begin_from(self, path: Path, typical: Tensor) -> None:
        """Takes over the averaged weights of another run; its optimiser and its place in the schedule are left.

        A network that is deeper than that one is measured on `typical` pictures [n, 3, h, w] (see `deepen`).
        """
        earlier, _ = load_average(path)
        if earlier.config == self.model.config:
            self.model.load_state_dict(earlier.state_dict())
        else:
            deepen(earlier, self.model, typical)
            self.model.train()
        self.average.module.load_state_dict(self.model.state_dict())

    def restore(self, path: Path) -> None:
        state = checkpoint.load(path)
        self.model.load_state_dict(state["model"])
        self.average.module.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.iteration = int(state["iteration"])


def model_config(stored: dict[str, Any]) -> ModelConfig:
    """The shape that a checkpoint names; early ones knew one depth for all heads."""
    shape: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
    depth = shape.pop("head_depth", None)
    if depth is not None:
        shape["head_depths"] = (depth,) * len(STRIDES)
    return ModelConfig(**shape)


def load_average(path: Path) -> tuple[FaceDetector, int]:
    """The averaged network of a checkpoint, ready to be exported, and how many iterations made it."""
    state = checkpoint.load(path)
    model = FaceDetector(model_config(state["model_config"]))
    model.load_state_dict(state["average"])
    return model.eval(), int(state["iteration"])


def write_settings(run: Path, settings: dict[str, Any]) -> None:
    """Appends how this run was started (again) to `<run>/starts.jsonl`; the last line holds for what follows."""
    start = {"commit": provenance.head_commit(), "command": provenance.command_line(), **settings}
    with (run / "starts.jsonl").open("a", encoding="utf-8") as starts:
        starts.write(json.dumps(start) + "\n")


def training_rows(photographs: list[Photograph]) -> list[int]:
    """Positions of those that are not held out."""
    return [i for i, photograph in enumerate(photographs) if not photograph.held_out]


def train(
    trainer: Trainer,
    photographs: list[Photograph],
    pixels: PixelCache,
    batches: BatchConfig,
    tiles: Tiles | None,
    mistakes: Mistakes | None,
) -> None:
    """Runs to the last iteration, logging one JSON line every `log_every`."""
    config = trainer.config
    rows = training_rows(photographs)
    data = Batches(photographs, pixels, rows, batches, trainer.iteration, config.iterations, tiles, mistakes)
    loader = DataLoader(data, batch_size=None, num_workers=1, prefetch_factor=6)
    sums: dict[str, float] = {}
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    began = time.monotonic()
    with (trainer.run / "log.jsonl").open("a", encoding="utf-8") as log:
        for batch in loader:
            for name, value in trainer.step(batch).items():
                sums[name] = sums.get(name, 0.0) + value / config.log_every
            if trainer.iteration % config.log_every == 0:
                seconds = (time.monotonic() - began) / config.log_every
                line = {"iteration": trainer.iteration, "seconds": round(seconds, 3), "time": time.strftime("%H:%M:%S")}
                line |= {name: round(value, 4) for name, value in sums.items()}
                log.write(json.dumps(line) + "\n")
                log.flush()
                sums, began = {}, time.monotonic()
            if trainer.iteration % config.save_every == 0 or trainer.iteration == config.iterations or stopped:
                trainer.save(trainer.run / "last.pt")
            if stopped:
                return  # asked to end: nothing is lost, --resume goes on from here


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--run", type=Path, default=Path("runs/detector/first"))
    parser.add_argument("--cache", type=Path, default=Path("runs/detector/cache/photographs.bgr"))
    parser.add_argument("--teacher", type=Path, default=Path("../shared/teacher/yunet_n.onnx"))
    parser.add_argument(
        "--tiles", type=Path, default=Path("runs/detector/cache/all-tiles.npz"), help="cache of FER+ faces"
    )
    parser.add_argument("--iterations", type=int, default=TrainConfig.iterations)
    parser.add_argument("--learning-rate", type=float, default=TrainConfig.learning_rate, help="the highest")
    parser.add_argument("--calm-share", type=float, default=BatchConfig.calm_share, help="of the iterations, the last")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="plain")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=BatchConfig.seed)
    parser.add_argument("--mistakes", type=Path, nargs="*", help="what was taken for faces (training.detector.mine)")
    parser.add_argument("--begin-from", type=Path, help="checkpoint of an earlier run whose weights are the first ones")
    parser.add_argument("--resume", action="store_true", help="continue from <run>/last.pt")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    arguments.run.mkdir(parents=True, exist_ok=True)
    photographs = load_photographs(arguments.data)
    pixels = PixelCache(arguments.cache, photographs)
    pixels.build(arguments.data, photographs)
    config = TrainConfig(iterations=arguments.iterations, learning_rate=arguments.learning_rate)
    batches = BatchConfig(seed=arguments.seed, calm_share=arguments.calm_share)
    trainer = Trainer(arguments.run, config, SHAPES[arguments.shape], LossWeights())
    if arguments.begin_from:
        first = Batches(photographs, pixels, training_rows(photographs), batches, 0, 1).batch(0)
        trainer.begin_from(arguments.begin_from, first["pictures"].permute(0, 3, 1, 2).float())
    if arguments.resume:
        trainer.restore(arguments.run / "last.pt")
    settings = {
        "shape": asdict(trainer.model.config),
        "train": asdict(config),
        "batches": asdict(batches),
        "losses": asdict(trainer.weights),
    }
    write_settings(arguments.run, settings | {"from": trainer.iteration})
    tiles = load_tiles(arguments.data, arguments.teacher, arguments.tiles)
    mistakes = read_mistakes(arguments.mistakes) if arguments.mistakes else None
    train(trainer, photographs, pixels, batches, tiles, mistakes)


if __name__ == "__main__":
    main()
