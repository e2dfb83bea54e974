"""Both recipes from data to a model that the service loads, by their commands, on data made here from one photograph.

`make check-training` runs this: it needs torch, and two to four minutes of two cores.
"""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

pytest.importorskip("torch", reason="torch is only installed where models are trained")

from mien.domain import AnalyzeOptions, DetectorMode, Frame, StageTimes
from mien.store import ModelStore
from mien.vision.pipeline import Pipeline
from training.emotion.data import BASIC7, SHEET_COLUMNS, VOTE_COLUMNS

ROOT = Path(__file__).resolve().parents[2]
FACE = (170, 60, 110, 130)  # of the astronaut: x, y, width, height
LANDMARKS = ((203, 112), (248, 108), (228, 135), (207, 152), (250, 148))
SCALES = (0.35, 0.5, 0.7)


def astronaut() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.astronaut()[:, :, ::-1])


def write_emotions(folder: Path, rng: np.random.Generator, counts: dict[str, int]) -> None:
    """Crops of the face, each moved, scaled, turned and lit at random, with random votes."""
    folder.mkdir(parents=True)
    grey = cv2.cvtColor(astronaut(), cv2.COLOR_BGR2GRAY)
    x, y, width, height = FACE
    rows = []
    for split, count in counts.items():
        sheet = np.zeros((-(-count // SHEET_COLUMNS) * 48, SHEET_COLUMNS * 48), np.uint8)
        for position in range(count):
            zoom = 48 / (height * rng.uniform(0.8, 1.3))
            matrix = cv2.getRotationMatrix2D((x + width / 2, y + height / 2), rng.uniform(-15, 15), zoom)
            matrix[:, 2] += 24 - np.array([x + width / 2, y + height / 2]) + rng.uniform(-4, 4, 2)
            crop = cv2.warpAffine(grey, matrix, (48, 48)) * rng.uniform(0.5, 1.1) + rng.normal(0, 8, (48, 48))
            row, column = divmod(position, SHEET_COLUMNS)
            sheet[row * 48 : (row + 1) * 48, column * 48 : (column + 1) * 48] = np.clip(crop, 0, 255)
            votes = rng.multinomial(10, rng.dirichlet(np.full(8, 0.15)))
            place = [split, f"{split}-00.png", position, len(rows)]
            rows.append([*place, *votes, 0, 0, BASIC7[int(votes[:7].argmax())]])
        cv2.imwrite(str(folder / f"{split}-00.png"), sheet)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["split", "sheet", "position", "ferplus_row", *VOTE_COLUMNS, "fer2013"])
        writer.writerows(rows)


def write_faces(folder: Path, rng: np.random.Generator, count: int) -> None:
    """`count` photographs of each of three sources: two with the astronaut somewhere, one without a face."""
    (folder / "images").mkdir(parents=True)
    lines = []
    for source in ("fddb", "street", "objects"):
        for index in range(count):
            ground = cv2.resize(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8), (360, 280))
            faces = [] if source == "objects" else [paste_astronaut(ground, rng)]
            name = f"images/{source}-{index:05d}.webp"
            cv2.imwrite(str(folder / name), ground)
            lines.append({"file": name, "width": 360, "height": 280, "source": source, "faces": faces})
    (folder / "boxes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def paste_astronaut(ground: np.ndarray, rng: np.random.Generator) -> dict[str, object]:
    scale = float(rng.choice(SCALES))
    head = cv2.resize(astronaut()[20:260, 110:330], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = head.shape[:2]
    left, top = int(rng.integers(0, 360 - width)), int(rng.integers(0, 280 - height))
    ground[top : top + height, left : left + width] = head
    x, y, box_width, box_height = FACE
    box = [left + (x - 110) * scale, top + (y - 20) * scale, box_width * scale, box_height * scale]
    landmarks = [value for px, py in LANDMARKS for value in (left + (px - 110) * scale, top + (py - 20) * scale)]
    return {"box": box, "human_box": box, "landmarks": landmarks, "score": 0.9}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    rng = np.random.default_rng(0)
    write_emotions(folder / "data" / "emotions", rng, {"train": 200, "valid": 120})
    write_faces(folder / "data" / "faces", rng, 20)
    return folder


def make(model: str, folder: Path) -> str:
    """Run the recipe of minutes; its output. Without a teacher: that is not in the repository."""
    command = [sys.executable, "-m", f"training.{model}", "--recipe", "small", "--device", "cpu", "--version", "7"]
    command += ["--data", folder / "data", "--runs", folder / model, "--store", folder / "store"]
    command += ["--teacher", folder / "none.onnx"] if model == "detector" else []
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def outputs(folder: Path) -> dict[str, str]:
    return {model: make(model, folder) for model in ("emotion", "detector")}


def test_progress_and_time_left_are_shown(outputs: dict[str, str]) -> None:
    assert "[1/5] teacher-1" in outputs["emotion"]
    assert "no teacher at" in outputs["detector"]
    for output in outputs.values():
        assert " left\n" in output
        assert "packed " in output


def test_a_second_run_does_nothing_again(outputs: dict[str, str], folder: Path) -> None:
    assert make("emotion", folder).count("done before") == outputs["emotion"].count("[") // 2 == 5


@pytest.mark.usefixtures("outputs")
@pytest.mark.parametrize("model", ["emotion", "face-detector"])
def test_manifest_and_card_are_a_page_of_json_values(model: str, folder: Path) -> None:
    stored = ModelStore(folder / "store").pick(model)
    assert stored.version == "7"
    assert len(json.dumps(stored.manifest, allow_nan=False)) < 4_000
    card = (folder / "store" / model / "7" / "CARD.md").read_text(encoding="utf-8")
    assert 30 < card.count("\n") < 110


@pytest.mark.usefixtures("outputs")
def test_the_service_loads_both_and_answers_a_picture(folder: Path) -> None:
    store = ModelStore(folder / "store")
    pipeline = Pipeline.load(store.pick("face-detector"), store.pick("emotion"))
    pixels = astronaut()
    options = AnalyzeOptions(detector=DetectorMode.FAST, min_confidence=0.0, max_faces=3)
    found = pipeline.detect(Frame(pixels, pixels.shape[1], pixels.shape[0]), options)
    result = pipeline.finish(found, pipeline.classify(found.crops), options, StageTimes())
    assert 1 <= len(result.faces) <= 3
    for face in result.faces:
        assert sum(face.scores.values()) == pytest.approx(1)
