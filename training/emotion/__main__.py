"""Makes the emotion model: `python -m training.emotion` (`make train MODEL=emotion`), resumable by stage.

Teachers, students, then for each student: export, quantise, evaluate; the median student goes into the store.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from training.common import recipe
from training.common.stages import Stage, run_stages
from training.common.store import pack
from training.emotion import card, data, photographs
from training.emotion.evaluate import evaluate
from training.emotion.export import export
from training.emotion.quantise import quantise
from training.emotion.train import Machine, TrainConfig, train, trained

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Teachers:
    """`count` networks that learn from the votes alone."""

    count: int
    train: TrainConfig


@dataclass(frozen=True)
class Students:
    """Networks that learn from the teachers, one per seed."""

    seeds: tuple[int, ...]
    train: TrainConfig


@dataclass(frozen=True)
class Quantise:
    """Of train faces, without augmentation, ranges are measured."""

    faces: int
    percentile: float = 99.999


@dataclass(frozen=True)
class Recipe:
    """`recipe.toml`."""

    teacher: Teachers
    student: Students
    quantise: Quantise
    faces: int = 0  # of train, at most; 0: all


class Making:
    """The stages of one recipe on one folder of data."""

    def __init__(self, recipe: Recipe, folder: Path, runs: Path, machine: Machine) -> None:
        self.recipe, self.folder, self.runs, self.machine = recipe, folder, runs, machine
        every = data.load(folder, "train")
        count = recipe.faces or len(every)
        self.train = every.rows(np.arange(len(every))[:count])
        self.valid = data.load(folder, "valid")

    def stages(self) -> list[Stage]:
        """All stages, in order."""
        teachers = [f"teacher-{number}" for number in range(1, self.recipe.teacher.count + 1)]
        stages = [
            Stage(name, partial(self._teach, seed), asdict(self.recipe.teacher.train) | {"seed": seed})
            for seed, name in enumerate(teachers, start=1)
        ]
        for seed in self.recipe.student.seeds:
            name, config = f"student-{seed}", self.recipe.student.train
            stages += [
                Stage(name, partial(self._study, seed, teachers), asdict(config) | {"seed": seed}, tuple(teachers)),
                Stage(f"export-{seed}", partial(self._export, name), {}, (name,)),
                Stage(
                    f"quantise-{seed}", partial(self._quantise, seed), asdict(self.recipe.quantise), (f"export-{seed}",)
                ),
                Stage(f"evaluate-{seed}", partial(self._evaluate, seed), {}, (f"quantise-{seed}",)),
            ]
        return stages

    def median_seed(self) -> int:
        """The student whose protocol A accuracy is the median (of an even number, the lower one)."""
        figures = {seed: self.report(seed)["protocol_a"]["accuracy"] for seed in self.recipe.student.seeds}
        ranked = sorted(figures, key=figures.__getitem__)
        return ranked[(len(ranked) - 1) // 2]

    def report(self, seed: int) -> dict[str, Any]:
        """What was measured of the student with `seed`."""
        text = (self.runs / f"evaluate-{seed}" / "report.json").read_text(encoding="utf-8")
        report: dict[str, Any] = json.loads(text)
        return report

    def _teach(self, seed: int, folder: Path) -> None:
        config = _seeded(self.recipe.teacher.train, seed)
        train(folder, config, self._faces(config), [], self.machine)

    def _study(self, seed: int, teachers: list[str], folder: Path) -> None:
        config = _seeded(self.recipe.student.train, seed)
        shape = self.recipe.teacher.train.shape
        train(
            folder, config, self._faces(config), [trained(self.runs / name, shape) for name in teachers], self.machine
        )

    def _faces(self, config: TrainConfig) -> data.Faces:
        if not config.batches.photographs:
            return self.train
        return self.train.joined(photographs.load(self.folder, self.valid.images))

    def _export(self, student: str, folder: Path) -> None:
        export(trained(self.runs / student, self.recipe.student.train.shape), folder / "fp32.onnx")

    def _quantise(self, seed: int, folder: Path) -> None:
        count = min(self.recipe.quantise.faces, len(self.train))
        chosen = np.sort(np.random.default_rng(0).choice(len(self.train), count, replace=False))
        source = self.runs / f"export-{seed}" / "fp32.onnx"
        quantise(source, folder / "int8.onnx", self.train.images[chosen], self.recipe.quantise.percentile)

    def _evaluate(self, seed: int, folder: Path) -> None:
        report = evaluate(self.runs / f"quantise-{seed}" / "int8.onnx", self.valid, self.train)
        (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def make(making: Making, store: Path, version: str) -> Path:
    """Run what is not done yet and put the median student into `store`; returns its folder there."""
    seconds = run_stages(making.runs, making.stages())
    seed = making.median_seed()
    reports = {each: making.report(each) for each in making.recipe.student.seeds}
    origin = card.Origin(seed, reports, seconds, str(making.machine.device))
    model = making.runs / f"quantise-{seed}" / "int8.onnx"
    return pack(
        store, model, card.manifest(model, version, reports[seed], origin), card.text(version, reports[seed], origin)
    )


def _seeded(config: TrainConfig, seed: int) -> TrainConfig:
    return replace(config, batches=replace(config.batches, seed=seed))


def main() -> None:
    """Read the recipe, run its stages, pack the result."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion", description=__doc__)
    parser.add_argument("--recipe", default="full", help="full, or a size that recipe.toml names: small")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, help="folder of the stages (runs/emotion-RECIPE)")
    parser.add_argument("--store", type=Path, help="where the model goes (default: the run's own folder)")
    parser.add_argument("--version", default="1")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=1, help="processes that make batches")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.backends.cudnn.benchmark = True
    tables: Mapping[str, Any] = recipe.read(HERE / "recipe.toml", options.recipe)
    runs: Path = options.runs or Path("runs") / f"emotion-{options.recipe}"
    machine = Machine(torch.device(options.device), options.workers)
    making = Making(recipe.build(Recipe, tables), options.data, runs, machine)
    print(f"packed {make(making, options.store or runs / 'store', options.version)}")


if __name__ == "__main__":
    main()
