"""Makes the face detector: `python -m training.detector` (`make train MODEL=face-detector`), resumable by stage."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from training.common.recipe import Machine, build, parse_options, read
from training.common.stages import Stage, run_stages, sha256
from training.common.store import Origin, pack
from training.detector import card, labels
from training.detector.batches import Material
from training.detector.data import Image, PixelCache, load_photographs, read_picture
from training.detector.evaluate import Report, calibrate, evaluate
from training.detector.export import export
from training.detector.pasted_faces import load_pasted_faces, save_pasted_faces
from training.detector.predictor import ACCURATE, FAST, Detector, Ours, Yunet
from training.detector.quantise import quantise
from training.detector.train import TrainConfig, train, trained

MISTAKE = 0.3  # score from which a false positive of the first round is shown to the second


@dataclass(frozen=True)
class Quantise:
    """Training photographs on which ranges are measured."""

    pictures: int


@dataclass(frozen=True)
class Recipe:
    """`recipe.toml`."""

    first: TrainConfig
    second: TrainConfig
    quantise: Quantise
    photographs: int = 0  # at most; 0: all


class Making:
    """The stages of one recipe on one folder of data. Without a file of the teacher, faces that are pasted get the
    usual box, every unlabelled detection is a hard negative, and the card has no peer."""

    def __init__(self, recipe: Recipe, folder: Path, teacher: Path, runs: Path, machine: Machine) -> None:
        self.recipe, self.folder, self.runs, self.machine = recipe, folder, runs, machine
        self.teacher = teacher if teacher.is_file() else None
        if self.teacher is None:
            print(f"no teacher at {teacher}: going on without")
        every = load_photographs(folder)
        self.photographs = every[:: max(1, len(every) // recipe.photographs)] if recipe.photographs else every
        self.rows = [row for row, photograph in enumerate(self.photographs) if not photograph.held_out]
        self.held_out = [photograph for photograph in self.photographs if photograph.held_out]
        self.pixels = PixelCache(runs / "material" / "photographs.bgr", self.photographs)
        self.model = runs / "quantise" / "model.onnx"

    def stages(self) -> list[Stage]:
        """All stages, in order."""
        recipe = self.recipe
        known = {
            "photographs": recipe.photographs,
            "labels": sha256(self.folder / "faces" / "boxes.jsonl"),
            "votes": sha256(self.folder / "emotions" / "labels.csv"),
            "teacher": sha256(self.teacher) if self.teacher else None,
        }
        return [
            Stage("material", self._prepare, known),
            Stage("first", self._first, asdict(recipe.first), ("material",)),
            Stage("hard-negatives", self._mine, {}, ("first",)),
            Stage("second", self._second, asdict(recipe.second), ("first", "hard-negatives")),
            Stage("quantise", self._quantise, asdict(recipe.quantise), ("second",)),
            Stage("evaluate", self._evaluate, {}, ("quantise",)),
        ]

    def _prepare(self, folder: Path) -> None:
        self.pixels.build(self.folder, self.photographs)
        teacher = Yunet(self.teacher, labels.HINT) if self.teacher else None
        save_pasted_faces(folder / "pasted.npz", self.folder, teacher, self.recipe.photographs)

    def _material(self, negatives: labels.HardNegatives | None) -> Material:
        pasted = load_pasted_faces(self.runs / "material" / "pasted.npz")
        return Material(self.photographs, self.pixels, self.rows, pasted, negatives)

    def _first(self, folder: Path) -> None:
        train(folder, self.recipe.first, self._material(None), None, self.machine)

    def _mine(self, folder: Path) -> None:
        model = folder / "fp32.onnx"
        export(trained(self.runs / "first", self.recipe.first.model), model)
        teacher = Yunet(self.teacher, labels.HINT) if self.teacher else None
        found = labels.mine(self.photographs, self.pixels, self.rows, Ours(model, MISTAKE), teacher)
        labels.write(folder / "negatives.json", found)

    def _second(self, folder: Path) -> None:
        negatives = labels.read(self.runs / "hard-negatives" / "negatives.json")
        first = self.runs / "first" / "last.pt"
        train(folder, self.recipe.second, self._material(negatives), first, self.machine)

    def _quantise(self, folder: Path) -> None:
        source = folder / "fp32.onnx"
        export(trained(self.runs / "second", self.recipe.second.model), source)
        quantise(source, folder / self.model.name, self._letterboxed(Ours(source)))

    def _letterboxed(self, detector: Ours) -> Iterator[Image]:
        """Training photographs [1, h, w, 3], letterboxed at 320, 448 and 640 px in turn."""
        count = self.recipe.quantise.pictures
        for index, row in enumerate(self.rows[:: max(1, len(self.rows) // count)][:count]):
            picture = read_picture(self.folder, self.photographs[row])
            yield detector.letterbox(picture, (FAST, 448, ACCURATE)[index % 3])

    def _evaluate(self, folder: Path) -> None:
        calibration = calibrate(Ours(self.model), self.held_out, self.folder)
        detectors: dict[str, Detector] = {"ours": Ours(self.model, calibration=calibration)}
        if self.teacher:
            detectors["peer"] = Yunet(self.teacher)
        reports: Report = {name: evaluate(one, self.held_out, self.folder) for name, one in detectors.items()}
        reports["calibration"] = asdict(calibration)
        (folder / "report.json").write_text(json.dumps(reports, indent=1) + "\n", encoding="utf-8")


def make(making: Making, store: Path, version: str) -> Path:
    """Run what is not done yet and put the model into `store`; returns its folder there."""
    seconds = run_stages(making.runs, making.stages())
    reports = json.loads((making.runs / "evaluate" / "report.json").read_text(encoding="utf-8"))
    made = Origin(version, seconds, str(making.machine.device))
    return pack(store, making.model, card.manifest(version, reports), card.text(reports, made))


def main() -> None:
    """Read the recipe, run its stages, pack the result."""
    options = parse_options("detector", __doc__)
    recipe = build(Recipe, read(Path(__file__).with_name("recipe.toml"), options.recipe))
    making = Making(recipe, options.data, options.teacher, options.runs, options.machine)
    print(f"packed {make(making, options.store, options.version)}")


if __name__ == "__main__":
    main()
