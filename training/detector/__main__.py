"""Makes the face detector: `python -m training.detector` (`make train MODEL=face-detector`), resumable by stage."""

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from training.common import recipe
from training.common.stages import Stage, run_stages
from training.common.store import pack
from training.detector import calibrate, card, labels
from training.detector.data import Image, PixelCache, load_photographs, read_picture
from training.detector.evaluate import evaluate, presence, run
from training.detector.export import export
from training.detector.pasted_faces import load_pasted_faces
from training.detector.predictor import ACCURATE, FAST, Detector, Ours, Yunet, letterbox
from training.detector.quantise import quantise
from training.detector.train import Material, TrainConfig, train, trained

HERE = Path(__file__).parent
BELIEVED = 0.3  # score below which a false positive of the first round costs nothing


@dataclass(frozen=True)
class Quantise:
    """Of training photographs ranges are measured."""

    pictures: int


@dataclass(frozen=True)
class Recipe:
    """`recipe.toml`."""

    first: TrainConfig
    second: TrainConfig
    quantise: Quantise
    photographs: int = 0  # at most; 0: all


@dataclass(frozen=True)
class Machine:
    """Where a training runs."""

    device: torch.device
    workers: int  # processes that make batches


class Making:
    """The stages of one recipe on one folder of data."""

    def __init__(self, recipe: Recipe, folder: Path, teacher: Path, runs: Path, machine: Machine) -> None:
        self.recipe, self.folder, self.teacher, self.runs, self.machine = recipe, folder, teacher, runs, machine
        every = load_photographs(folder)
        self.photographs = every[:: max(1, len(every) // recipe.photographs)] if recipe.photographs else every
        self.rows = [row for row, photograph in enumerate(self.photographs) if not photograph.held_out]
        self.held_out = [photograph for photograph in self.photographs if photograph.held_out]
        self.pixels = PixelCache(runs / "photographs.bgr", self.photographs)

    def stages(self) -> list[Stage]:
        """All stages, in order."""
        recipe = self.recipe
        return [
            Stage("first", self._first, asdict(recipe.first) | {"photographs": recipe.photographs}),
            Stage("hard-negatives", self._mine, {}, ("first",)),
            Stage("second", self._second, asdict(recipe.second), ("first", "hard-negatives")),
            Stage("calibrate", self._calibrate, {}, ("second",)),
            Stage("quantise", self._quantise, asdict(recipe.quantise), ("calibrate",)),
            Stage("evaluate", self._evaluate, {}, ("quantise",)),
        ]

    @property
    def model(self) -> Path:
        """The file that ships."""
        return self.runs / "quantise" / "model.onnx"

    def _material(self) -> Material:
        self.pixels.build(self.folder, self.photographs)
        pasted = load_pasted_faces(self.folder, self.teacher, self.runs / "pasted.npz", limit=self.recipe.photographs)
        return Material(self.photographs, self.pixels, self.rows, pasted)

    def _first(self, folder: Path) -> None:
        train(folder, self.recipe.first, self._material(), None, self.machine.device, self.machine.workers)

    def _mine(self, folder: Path) -> None:
        self.pixels.build(self.folder, self.photographs)
        model = folder / "fp32.onnx"
        export(trained(self.runs / "first", self.recipe.first.model), calibrate.Calibration(), model)
        found = labels.mine(
            self.photographs, self.pixels, self.rows, Ours(model, BELIEVED), Yunet(self.teacher, labels.HINT)
        )
        labels.write(folder / "negatives.json", found)

    def _second(self, folder: Path) -> None:
        material = self._material()
        negatives = labels.read(self.runs / "hard-negatives" / "negatives.json")
        shown = Material(material.photographs, material.pixels, material.rows, material.pasted, negatives)
        first = self.runs / "first" / "last.pt"
        train(folder, self.recipe.second, shown, first, self.machine.device, self.machine.workers)

    def _calibrate(self, folder: Path) -> None:
        """Fit the score on held-out photographs at both input sizes, and write the calibrated file."""
        network = trained(self.runs / "second", self.recipe.second.model)
        raw = folder / "uncalibrated.onnx"
        export(network, calibrate.Calibration(), raw)
        parts = [presence(run(Ours(raw), self.held_out, self.folder, side)) for side in (FAST, ACCURATE)]
        fitted = calibrate.fit(*(np.concatenate(part) for part in zip(*parts, strict=True)))
        export(network, fitted, folder / "fp32.onnx")

    def _quantise(self, folder: Path) -> None:
        count = self.recipe.quantise.pictures
        rows = self.rows[:: max(1, len(self.rows) // count)][:count]
        quantise(self.runs / "calibrate" / "fp32.onnx", folder / "model.onnx", self._letterboxed(rows))

    def _letterboxed(self, rows: list[int]) -> Iterator[Image]:
        """Training photographs, letterboxed at 320, 448 and 640 in turn."""
        for index, row in enumerate(rows):
            yield letterbox(read_picture(self.folder, self.photographs[row]), (FAST, 448, ACCURATE)[index % 3])[0]

    def _evaluate(self, folder: Path) -> None:
        detectors: dict[str, Detector] = {"ours": Ours(self.model), "peer": Yunet(self.teacher)}
        reports = {name: evaluate(detector, self.held_out, self.folder) for name, detector in detectors.items()}
        (folder / "report.json").write_text(json.dumps(reports, indent=1) + "\n", encoding="utf-8")


def make(making: Making, store: Path, version: str) -> Path:
    """Run what is not done yet and put the model into `store`; returns its folder there."""
    seconds = run_stages(making.runs, making.stages())
    reports = json.loads((making.runs / "evaluate" / "report.json").read_text(encoding="utf-8"))
    origin = card.Origin(seconds, str(making.machine.device))
    return pack(store, making.model, card.manifest(version, reports), card.text(version, reports, origin))


def main() -> None:
    """Read the recipe, run its stages, pack the result."""
    parser = argparse.ArgumentParser(prog="python -m training.detector", description=__doc__)
    parser.add_argument("--recipe", default="full", help="full, or a size that recipe.toml names: small")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--teacher", type=Path, default=Path("../shared/teacher/yunet_n.onnx"))
    parser.add_argument("--runs", type=Path, help="folder of the stages (runs/face-detector-RECIPE)")
    parser.add_argument("--store", type=Path, help="where the model goes (default: the run's own folder)")
    parser.add_argument("--version", default="1")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=1, help="processes that make batches")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.backends.cudnn.benchmark = True
    tables: Mapping[str, Any] = recipe.read(HERE / "recipe.toml", options.recipe)
    runs: Path = options.runs or Path("runs") / f"face-detector-{options.recipe}"
    runs.mkdir(parents=True, exist_ok=True)
    machine = Machine(torch.device(options.device), options.workers)
    making = Making(recipe.build(Recipe, tables), options.data, options.teacher, runs, machine)
    print(f"packed {make(making, options.store or runs / 'store', options.version)}")


if __name__ == "__main__":
    main()
