"""What training may call a face."""

import json
from pathlib import Path

import numpy as np

from training.detector.data import Photograph, parse
from training.detector.labels import BELIEVED, Mistake, read_mistakes, training_labels


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


def test_doubtful_finds_are_left_out_and_wrong_ones_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "mistakes.json"
    path.write_text(json.dumps({"a.webp": {"wrong": [[1, 2, 3, 4]], "doubtful": [[50, 50, 60, 60]]}}))
    labels = training_labels(_photograph("fddb", ([10, 10, 20, 20], 0.9, False)), read_mistakes([path])["a.webp"])
    assert labels.boxes.tolist() == [[10, 10, 30, 30], [50, 50, 60, 60]]
    assert labels.ignore.tolist() == [False, True]
    assert np.isnan(labels.landmarks[1]).all()
    assert labels.wrong.tolist() == [[1, 2, 3, 4]]


def test_rounds_of_mining_are_joined(tmp_path: Path) -> None:
    rounds = [tmp_path / "one.json", tmp_path / "two.json"]
    rounds[0].write_text(json.dumps({"a.webp": {"wrong": [[1, 2, 3, 4]], "doubtful": []}}))
    rounds[1].write_text(
        json.dumps({"a.webp": {"wrong": [[5, 6, 7, 8]], "doubtful": []}, "b.webp": {"wrong": [], "doubtful": []}})
    )
    joined = read_mistakes(rounds)
    assert joined["a.webp"].wrong.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert joined["b.webp"].wrong.shape == (0, 4)


def test_a_photograph_without_faces_has_empty_labels() -> None:
    nowhere = np.zeros((0, 4), np.float32)
    labels = training_labels(_photograph("objects"), Mistake(nowhere, nowhere))
    assert labels.boxes.shape == (0, 4)
    assert labels.ignore.shape == (0,)
