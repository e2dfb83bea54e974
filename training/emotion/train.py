"""Trains one emotion net: `python -m training.emotion.train --run runs/emotion/NAME [--resume]`."""

import argparse
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from training.common import checkpoint, provenance
from training.common.ema import Ema
from training.common.runlog import RunLog
from training.common.schedule import ema_decay, warmup_cosine
from training.emotion import data, targets
from training.emotion.augment import AugmentConfig, augment_batch
from training.emotion.labels import NO_LABEL
from training.emotion.model import ZOO, EmotionNet, Outputs, build


@dataclass(frozen=True)
class TrainConfig:
    """Everything that a run depends on, besides the data and the code."""

    shape: str
    epochs: int
    seed: int = 0
    batch: int = 128
    peak_rate: float = 0.1
    warmup_epochs: float = 1.0
    momentum: float = 0.9
    weight_decay: float = 5e-4
    fer2013_weight: float = 0.5
    ema: float = 0.999
    twin_threshold: float = 0.95  # train faces that resemble a valid face more than this are left out
    augment: AugmentConfig = field(default_factory=AugmentConfig)


@dataclass(frozen=True)
class Batch:
    """One step's material; `images` are uint8 [n, 48, 48, 1]."""

    images: Tensor
    distribution: Tensor  # [n, 8]
    weight: Tensor  # [n]
    fer2013: Tensor  # [n], NO_LABEL where masked


class Trainer:
    """A net, its average, its optimiser, and where they stand."""

    def __init__(self, config: TrainConfig, faces: data.Faces, folder: Path) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.faces = faces
        self.targets = targets.vote_targets(faces.votes)
        self.folder = folder
        self.net = build(config.shape)
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stubs
        self.ema = Ema(self.net)
        self.optimiser = _optimiser(self.net, config)
        self.epoch = 0

    @property
    def steps_per_epoch(self) -> int:
        return len(self.faces) // self.config.batch

    def run_epoch(self) -> float:
        """One pass over the faces; returns the mean loss."""
        config, per_epoch = self.config, self.steps_per_epoch
        self.net.train()
        total = 0.0
        for index, batch in enumerate(self._batches()):
            step = self.epoch * per_epoch + index
            rate = warmup_cosine(
                step, config.epochs * per_epoch, int(config.warmup_epochs * per_epoch), config.peak_rate
            )
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            with torch.autocast("cpu", torch.bfloat16):
                outputs = self.net(batch.images)
            loss = loss_of(outputs, batch, config.fer2013_weight)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
            self.ema.update(self.net, ema_decay(step, config.ema))
            total += float(loss.detach())
        self.epoch += 1
        return total / per_epoch

    def save(self) -> None:
        """Write the state after a whole epoch."""
        state = {
            "config": asdict(self.config),
            "epoch": self.epoch,
            "net": self.net.state_dict(),
            "ema": self.ema.module.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "torch_rng": torch.get_rng_state(),
        }
        checkpoint.save(self.folder / "last.pt", state)

    def resume(self) -> None:
        """Continue from the last whole epoch. Views need no state: they are drawn from (seed, epoch, step)."""
        state = checkpoint.load(self.folder / "last.pt")
        self.net.load_state_dict(state["net"])
        self.ema.module.load_state_dict(state["ema"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["torch_rng"])
        self.epoch = int(state["epoch"])

    def _batches(self) -> Iterator[Batch]:
        config = self.config
        order = np.random.default_rng((config.seed, self.epoch)).permutation(len(self.faces))
        for index in range(self.steps_per_epoch):
            rows = order[index * config.batch : (index + 1) * config.batch]
            rng = np.random.default_rng((config.seed, self.epoch, index))
            views = augment_batch(self.faces.images[rows], config.augment, rng)
            yield Batch(
                images=torch.from_numpy(views[..., None]),
                distribution=torch.from_numpy(self.targets.distribution[rows]),
                weight=torch.from_numpy(self.targets.weight[rows]),
                fer2013=torch.from_numpy(self.faces.fer2013[rows]),
            )


def loss_of(outputs: Outputs, batch: Batch, fer2013_weight: float) -> Tensor:
    """Cross-entropy to the crowd's votes, each face as far as it is trusted, plus that of the FER2013 label."""
    crowd = functional.cross_entropy(outputs.ferplus.float(), batch.distribution, reduction="none")
    single = functional.cross_entropy(outputs.fer2013.float(), batch.fer2013, ignore_index=NO_LABEL)
    return (crowd * batch.weight).sum() / batch.weight.sum() + fer2013_weight * single


@torch.inference_mode()
def logits_of(
    net: EmotionNet, images: NDArray[np.uint8], batch: int = 256
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both heads' logits ([n, 8], [n, 7]) on plain tiles [n, 48, 48]."""
    crowd, single = [], []
    for start in range(0, len(images), batch):
        with torch.autocast("cpu", torch.bfloat16):
            outputs = net(torch.from_numpy(images[start : start + batch, :, :, None]))
        crowd.append(outputs.ferplus.float().numpy())
        single.append(outputs.fer2013.float().numpy())
    return np.concatenate(crowd), np.concatenate(single)


def accuracies(net: EmotionNet, faces: data.Faces) -> dict[str, float]:
    """Protocol A and B and FER2013 accuracy in per cent, without augmentation."""
    crowd, single = (logits.argmax(axis=1) for logits in logits_of(net, faces.images))
    kept, label = targets.protocol_a(faces.votes)
    known = faces.fer2013 != NO_LABEL
    return {
        "protocol_a": round(100 * float((crowd == label)[kept].mean()), 2),
        "protocol_b": round(100 * float((crowd == targets.protocol_b(faces.votes)).mean()), 2),
        "fer2013": round(100 * float((single == faces.fer2013)[known].mean()), 2),
    }


def _optimiser(net: nn.Module, config: TrainConfig) -> torch.optim.SGD:
    """Weight decay on convolutions and heads only: decaying norms and biases just shifts the scale elsewhere."""
    decayed = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=config.peak_rate, momentum=config.momentum, nesterov=True)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion.train", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints and the log")
    parser.add_argument("--shape", choices=sorted(ZOO), default="r32-48-96-256")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit", type=int, help="use only the first N train faces (to try things out)")
    parser.add_argument("--resume", action="store_true", help="continue from the folder's last.pt")
    return parser.parse_args(arguments)


def main() -> None:
    """Train to the last epoch, with a checkpoint and a line of figures after each."""
    options = parse()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    config = TrainConfig(shape=options.shape, epochs=options.epochs, seed=options.seed)
    log = RunLog(options.run / "log.jsonl")
    train, valid = data.load(options.data, "train"), data.load(options.data, "valid")
    twin = data.twins(train.images, valid.images, config.twin_threshold)
    log.write(
        event="resume" if options.resume else "start",
        commit=provenance.head_commit(),
        command=provenance.command_line(),
        train=len(train),
        valid=len(valid),
        twins_dropped=int(twin.sum()),
        config=asdict(config),
    )
    kept = np.flatnonzero(~twin)[: options.limit]
    trainer = Trainer(config, train.rows(kept), options.run)
    if options.resume:
        trainer.resume()
    while trainer.epoch < config.epochs:
        started = time.monotonic()
        loss = trainer.run_epoch()
        trainer.save()
        seconds = round(time.monotonic() - started, 1)
        log.write(epoch=trainer.epoch, loss=round(loss, 4), seconds=seconds, **accuracies(trainer.ema.module, valid))


if __name__ == "__main__":
    main()
