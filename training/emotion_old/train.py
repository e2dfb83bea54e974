"""Trains one emotion net: `python -m training.emotion.train --run runs/emotion/NAME [--resume]`."""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from training.common import checkpoint, digest, precision, provenance, sharpness
from training.common.ema import Ema
from training.common.runlog import RunLog
from training.common.schedule import ema_decay, warmup_cosine
from training.emotion import data, folds, recipe, symmetry, targets, unlabelled
from training.emotion.augment import AugmentConfig
from training.emotion.config import TrainConfig
from training.emotion.inherit import inherit
from training.emotion.labels import NO_LABEL
from training.emotion.model import ZOO, EmotionNet, Outputs, build
from training.emotion.record import left_out_of
from training.emotion.teachers import Teachers
from training.emotion.views import ViewMaker


@dataclass(frozen=True)
class Batch:
    """One step's material; `images` are uint8 [n, 48, 48, 1]."""

    images: Tensor
    crowd: targets.Targets  # [n, 8] and [n]
    fer2013: targets.Targets  # [n, 7] and [n]


class Trainer:
    """A net, its average, its optimiser, and where they stand."""

    def __init__(
        self,
        config: TrainConfig,
        faces: data.Faces,
        folder: Path,
        teachers: Teachers | None = None,
        fold: NDArray[np.int64] | None = None,
    ) -> None:
        """`fold` [n] says which of the teachers of folds may speak of each face; all are in one without it."""
        torch.manual_seed(config.seed)
        self.config = config
        self.maker = ViewMaker(config, faces, fold)
        self.teachers = teachers
        self.folder = folder
        self.net = build(config.shape, config.dropout)
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stubs
        self.ema = Ema(self.net)
        self.optimiser = _optimiser(self.net, config)
        self.epoch = 0

    def run_epoch(self) -> float:
        """One pass over the faces; returns the mean loss."""
        config, per_epoch = self.config, self.maker.steps_per_epoch
        self.net.train()
        total = 0.0
        for index, batch in enumerate(self._batches()):
            step = self.epoch * per_epoch + index
            rate = warmup_cosine(
                step, config.epochs * per_epoch, int(config.warmup_epochs * per_epoch), config.peak_rate
            )
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            total += self._set_gradients(batch)
            if config.uphill:
                with sharpness.uphill(self.net, config.uphill):
                    self._set_gradients(batch)
            self.optimiser.step()
            if self.net.partners is not None:
                symmetry.project(self.net)
            self.ema.update(self.net, ema_decay(step, config.ema))
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
        if state["config"] != asdict(self.config):
            changed = [name for name, value in asdict(self.config).items() if state["config"].get(name) != value]
            print(f"resumed under another configuration than before; changed: {', '.join(changed)}")
        self.net.load_state_dict(state["net"])
        self.ema.module.load_state_dict(state["ema"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["torch_rng"])
        self.epoch = int(state["epoch"])

    def inherit(self, parent: Path) -> list[str]:
        """Begin with the averaged weights of `parent` where they fit; returns the names of the parts that did."""
        taken = inherit(self.net, parent)
        self.ema = Ema(self.net)
        return taken

    def _set_gradients(self, batch: Batch) -> float:
        """Give every weight its gradient on `batch` where it stands; returns the loss."""
        with precision.mixed():
            outputs = self.net(batch.images)
        loss = loss_of(outputs, batch, self.config.fer2013_weight)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def _batches(self) -> Iterator[Batch]:
        share, at_once = self.config.teacher_share, self.config.teachers_at_once
        for index, rows in enumerate(self.maker.deal(self.epoch)):
            images, views, crowd, fer2013, rarity = self.maker.material(self.epoch, index, rows)
            if self.teachers is not None:
                rng = np.random.default_rng((self.config.seed, self.epoch, index, at_once)) if at_once else None
                said = self.teachers.probabilities(views, int(self.maker.fold[rows[0]]), at_once, rng)
                crowd, fer2013 = crowd.mixed(said.ferplus, share), fer2013.mixed(said.fer2013, share)
            yield Batch(torch.from_numpy(images[..., None]), crowd.weighed(rarity), fer2013)


def loss_of(outputs: Outputs, batch: Batch, fer2013_weight: float) -> Tensor:
    """Cross-entropy to the crowd's votes plus that to the FER2013 label, each face as far as it is trusted."""
    return _weighed(outputs.ferplus, batch.crowd) + fer2013_weight * _weighed(outputs.fer2013, batch.fer2013)


def _weighed(logits: Tensor, aim: targets.Targets) -> Tensor:
    weight = torch.from_numpy(aim.weight)
    loss = functional.cross_entropy(logits.float(), torch.from_numpy(aim.distribution), reduction="none")
    return (loss * weight).sum() / weight.sum()


@torch.inference_mode()
def logits_of(
    net: EmotionNet, images: NDArray[np.uint8], batch: int = 256
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both heads' logits ([n, 8], [n, 7]) on plain tiles [n, 48, 48]."""
    crowd, single = [], []
    for start in range(0, len(images), batch):
        with precision.mixed():
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


def mismatched(of_folds: Sequence[Path]) -> list[str]:
    """What is wrong with teachers of folds: the Kth of N must come from a run whose log says that it never saw K/N."""
    wanted = [str(folds.LeftOut(fold, len(of_folds))) for fold in range(len(of_folds))]
    return [
        f"{path} is to speak of fold {fold}, but its log says that it left out {left_out_of(path.parent) or 'none'}"
        for path, fold in zip(of_folds, wanted, strict=True)
        if left_out_of(path.parent) != fold
    ]


def _teachers(options: argparse.Namespace) -> list[dict[str, str]]:
    """Who teaches, for the log; a teacher of a fold with that fold."""
    of_folds = options.teacher_of_fold
    speaks = {path: str(folds.LeftOut(fold, len(of_folds))) for fold, path in enumerate(of_folds)}
    return [
        {
            "file": path.as_posix(),
            "sha256": digest.sha256(path),
            **({"only_of_fold": speaks[path]} if path in speaks else {}),
        }
        for path in (*options.teacher, *of_folds)
    ]


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion.train", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints and the log")
    parser.add_argument("--shape", choices=sorted(ZOO), default="r32-48-96-256")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--teacher", type=Path, nargs="+", default=[], help="ONNX files to learn from beside the votes")
    parser.add_argument(
        "--teacher-of-fold",
        type=Path,
        nargs="+",
        default=[],
        help="ONNX files, of which the Kth (from 0) was trained --without-fold K/N and speaks of that fold alone",
    )
    parser.add_argument("--parent", type=Path, help="a checkpoint whose blocks are taken over where they fit")
    recipe.add(parser)
    parser.add_argument("--uphill", type=float, default=TrainConfig.uphill, help="radius of sharpness-aware steps")
    parser.add_argument("--teachers-at-once", type=int, default=0, help="ask only so many about each batch")
    for name, what in {
        "stretch": "longer faces",
        "bend": "faces of another build",
        "shade": "light from a side",
    }.items():
        parser.add_argument(f"--{name}", type=float, default=0.0, help=f"{what}: see AugmentConfig")
    parser.add_argument("--unlabelled", action="store_true", help="photographs' faces too, as the teachers see them")
    parser.add_argument("--drop-twins", action="store_true", help="leave out train faces that resemble a valid face")
    parser.add_argument("--without-fold", type=folds.LeftOut.parse, metavar="K/N", help="leave out fold K of N")
    parser.add_argument("--limit", type=int, help="use only the first N train faces (to try things out)")
    parser.add_argument("--resume", action="store_true", help="continue from the folder's last.pt")
    options = parser.parse_args(arguments)
    taught = options.teacher or options.teacher_of_fold
    if wrong := recipe.complaint(options, taught=bool(taught), needs_teachers=options.unlabelled):
        parser.error(wrong)
    if len(options.teacher_of_fold) == 1:
        parser.error("--teacher-of-fold needs one file a fold, two or more")
    if mismatches := mismatched(options.teacher_of_fold):
        parser.error("; ".join(mismatches))
    if options.without_fold and options.teacher_of_fold:
        parser.error("--without-fold makes a teacher of a fold, which --teacher-of-fold then takes; one at a time")
    if not 0 <= options.teachers_at_once <= len(options.teacher) + bool(options.teacher_of_fold):
        parser.error("--teachers-at-once must not be more than speak of a face")
    return options


def main() -> None:
    """Train to the last epoch, with a checkpoint and a line of figures after each."""
    options = parse()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    given = TrainConfig(
        shape=options.shape,
        epochs=options.epochs,
        seed=options.seed,
        uphill=options.uphill,
        teachers_at_once=options.teachers_at_once,
        keep_twins=not options.drop_twins,
        left_out=str(options.without_fold or ""),
        unlabelled=options.unlabelled,
        augment=AugmentConfig(stretch=options.stretch, bend=options.bend, shade=options.shade),
    )
    config = recipe.chosen(options, given)
    log = RunLog(options.run / "log.jsonl")
    train, valid = data.load(options.data, "train"), data.load(options.data, "valid")
    extra = unlabelled.load(options.data) if config.unlabelled else data.nobody()
    resembling = data.twins(extra.images, valid.images, config.twin_threshold)
    extra = extra.rows(~resembling)
    twin = data.twins(train.images, valid.images, config.twin_threshold)
    dropped = np.zeros_like(twin) if config.keep_twins else twin
    chosen = ~dropped
    if config.left_out:
        part = folds.LeftOut.parse(config.left_out)
        chosen &= folds.assign(train.images, part.folds, config.twin_threshold) != part.fold
    log.write(
        event="resume" if options.resume else "start",
        commit=provenance.head_commit(),
        command=provenance.command_line(),
        train=len(train),
        unlabelled=len(extra),
        unlabelled_like_valid=int(resembling.sum()),
        valid=len(valid),
        twins_of_valid=int(twin.sum()),
        twins_dropped=int(dropped.sum()),
        left_out=int((~chosen & ~dropped).sum()),
        parent=None if options.parent is None else options.parent.as_posix(),
        teachers=_teachers(options),
        config=asdict(config),
    )
    kept = np.flatnonzero(chosen)[: options.limit]
    faces = train.rows(kept).joined(extra)
    teachers, fold = None, None
    if options.teacher or options.teacher_of_fold:
        teachers = Teachers(options.teacher, options.teacher_of_fold, options.threads)
    if options.teacher_of_fold:
        of_train = folds.assign(train.images, len(options.teacher_of_fold), config.twin_threshold)
        fold = np.concatenate([of_train[kept], np.arange(len(extra)) % len(options.teacher_of_fold)])
    trainer = Trainer(config, faces, options.run, teachers, fold)
    if options.resume:
        trainer.resume()
    elif options.parent is not None:
        log.write(inherited=trainer.inherit(options.parent))
    while trainer.epoch < config.epochs:
        started = time.monotonic()
        loss = trainer.run_epoch()
        trainer.save()
        seconds = round(time.monotonic() - started, 1)
        log.write(epoch=trainer.epoch, loss=round(loss, 4), seconds=seconds, **accuracies(trainer.ema.module, valid))


if __name__ == "__main__":
    main()
