"""What training may call a face."""

from pathlib import Path

import numpy as np
import pytest

from mien.vision.boxes import Detections
from training.detector.data import Photograph, parse
from training.detector.labels import BELIEVED, HardNegative, mine, read, training_labels, write
from training.detector.predictor import ACCURATE, FAST


def boxes(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


def _photograph(source: str, *faces: tuple[list[float], float, bool]) -> Photograph:
    rows = [{"box": box, "score": score, "ignore": ignore} for box, score, ignore in faces]
    return parse({"file": "a.webp", "width": 200, "height": 100, "source": source, "faces": rows}, 1)


LIKELY = ([10.0, 10.0, 20.0, 20.0], BELIEVED + 0.05, True)
DOUBTED = ([100.0, 10.0, 20.0, 20.0], BELIEVED - 0.1, True)
CROSSING = ([12.0, 12.0, 20.0, 20.0], BELIEVED + 0.05, True)


def test_a_face_that_the_teacher_half_believed_in_is_taught_where_it_stands_alone() -> None:
    assert training_labels(_photograph("street", LIKELY, DOUBTED), None).ignore.tolist() == [False, True]
    assert training_labels(_photograph("street", LIKELY, CROSSING), None).ignore.tolist() == [True, True]


def test_what_people_left_out_is_not_taught_as_a_face() -> None:
    assert training_labels(_photograph("fddb", LIKELY), None).ignore.tolist() == [True]


def test_doubtful_detections_are_left_out_and_wrong_ones_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "negatives.json"
    write(path, {"a.webp": HardNegative(boxes([1, 2, 3, 4]), boxes([50, 50, 60, 60]))})
    labels = training_labels(_photograph("fddb", ([10, 10, 20, 20], 0.9, False)), read(path)["a.webp"])
    assert labels.boxes.tolist() == [[10, 10, 30, 30], [50, 50, 60, 60]]
    assert labels.ignore.tolist() == [False, True]
    assert np.isnan(labels.landmarks[1]).all()
    assert labels.wrong.tolist() == [[1, 2, 3, 4]]


class Fixed:
    """A detector that finds the same boxes at every size."""

    def __init__(self, *found: list[float]) -> None:
        self.boxes = boxes(*found)
        self.sides: list[int] = []

    def detect(self, picture: np.ndarray, long_side: int) -> Detections:
        self.sides.append(long_side)
        return Detections(self.boxes, np.full(len(self.boxes), 0.6, np.float32), np.zeros((len(self.boxes), 5, 2)))


LABELLED, WRONG, DOUBTFUL = [10, 10, 30, 30], [50, 10, 70, 30], [10, 50, 30, 70]


@pytest.mark.parametrize("teacher", [Fixed([12, 50, 32, 70]), None])
def test_detections_without_a_label_are_wrong_or_doubtful_by_the_teacher(teacher: Fixed | None) -> None:
    photographs = [_photograph("street", ([10.0, 10.0, 20.0, 20.0], 0.9, False))]
    detector = Fixed(LABELLED, WRONG, DOUBTFUL)
    found = mine(photographs, [np.zeros((90, 90, 3), np.uint8)], [0], detector, teacher)["a.webp"]
    assert found.wrong.tolist() == ([WRONG] if teacher else [WRONG, DOUBTFUL])
    assert found.doubtful.tolist() == ([DOUBTFUL] if teacher else [])
    assert detector.sides == [FAST, ACCURATE]


def test_a_photograph_without_false_positives_is_not_among_the_hard_negatives(tmp_path: Path) -> None:
    photographs = [_photograph("street", ([10.0, 10.0, 20.0, 20.0], 0.9, False))]
    found = mine(photographs, [np.zeros((90, 90, 3), np.uint8)], [0], Fixed(LABELLED), Fixed())
    assert found == {}
    write(tmp_path / "none.json", found)
    assert read(tmp_path / "none.json") == {}


def test_a_photograph_without_faces_has_empty_labels() -> None:
    nowhere = np.zeros((0, 4), np.float32)
    labels = training_labels(_photograph("objects"), HardNegative(nowhere, nowhere))
    assert labels.boxes.shape == (0, 4)
    assert labels.ignore.shape == (0,)
