"""Makes the emotion model: `python -m training.emotion` (`make train MODEL=emotion`), resumable by stage.

Teachers, students, then for each student: export, quantise, evaluate; the median student goes into the store.
"""

import json
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from training.common.recipe import Machine, build, parse_options, read
from training.common.stages import Stage, run_stages, sha256
from training.common.store import Origin, pack
from training.emotion import card, data
from training.emotion.evaluate import evaluate
from training.emotion.export import export, quantise
from training.emotion.train import TrainConfig, train, trained


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
    """Train faces, without augmentation, on which ranges are measured."""

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
        self.train = every.rows(np.arange(len(every))[: recipe.faces or None])
        self.valid = data.load(folder, "valid")

    def stages(self) -> list[Stage]:
        """All stages, in order."""
        recipe = self.recipe
        known = {"faces": recipe.faces, "labels": sha256(self.folder / "emotions" / "labels.csv")}
        teachers = tuple(f"teacher-{seed}" for seed in range(1, recipe.teacher.count + 1))
        stages = [
            Stage(name, partial(self._teach, seed), {**asdict(recipe.teacher.train), **known, "seed": seed})
            for seed, name in enumerate(teachers, start=1)
        ]
        for seed in recipe.student.seeds:
            student, config = f"student-{seed}", {**asdict(recipe.student.train), **known, "seed": seed}
            stages += [
                Stage(student, partial(self._study, seed, teachers), config, teachers),
                Stage(f"export-{seed}", partial(self._export, student), {}, (student,)),
                Stage(f"quantise-{seed}", partial(self._quantise, seed), asdict(recipe.quantise), (f"export-{seed}",)),
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

    def model(self, seed: int) -> Path:
        """The int8 file of the student with `seed`."""
        return self.runs / f"quantise-{seed}" / "int8.onnx"

    def _teach(self, seed: int, folder: Path) -> None:
        config = _seeded(self.recipe.teacher.train, seed)
        train(folder, config, self._faces(config), [], self.machine)

    def _study(self, seed: int, teachers: tuple[str, ...], folder: Path) -> None:
        config, shape = _seeded(self.recipe.student.train, seed), self.recipe.teacher.train.shape
        networks = [trained(self.runs / name, shape) for name in teachers]
        train(folder, config, self._faces(config), networks, self.machine)

    def _faces(self, config: TrainConfig) -> data.Faces:
        if not config.batches.photographs:
            return self.train
        return self.train.joined(data.load_photograph_faces(self.folder, self.valid.images))

    def _export(self, student: str, folder: Path) -> None:
        export(trained(self.runs / student, self.recipe.student.train.shape), folder / "fp32.onnx")

    def _quantise(self, seed: int, folder: Path) -> None:
        count = min(self.recipe.quantise.faces, len(self.train))
        chosen = np.sort(np.random.default_rng(0).choice(len(self.train), count, replace=False))
        source = self.runs / f"export-{seed}" / "fp32.onnx"
        quantise(source, folder / "int8.onnx", self.train.images[chosen], self.recipe.quantise.percentile)

    def _evaluate(self, seed: int, folder: Path) -> None:
        report = evaluate(self.model(seed), self.valid, self.train)
        (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def make(making: Making, store: Path, version: str) -> Path:
    """Run what is not done yet and put the median student into `store`; returns its folder there."""
    seconds = run_stages(making.runs, making.stages())
    seed = making.median_seed()
    reports = {each: making.report(each) for each in making.recipe.student.seeds}
    model, origin = making.model(seed), Origin(version, seconds, str(making.machine.device))
    return pack(store, model, card.manifest(model, origin, reports[seed], seed), card.text(origin, reports, seed))


def _seeded(config: TrainConfig, seed: int) -> TrainConfig:
    return replace(config, batches=replace(config.batches, seed=seed))


def main() -> None:
    """Read the recipe, run its stages, pack the result."""
    options = parse_options("emotion", __doc__)
    recipe = build(Recipe, read(Path(__file__).with_name("recipe.toml"), options.recipe))
    making = Making(recipe, options.data, options.runs, options.machine)
    print(f"packed {make(making, options.store, options.version)}")


if __name__ == "__main__":
    main()
