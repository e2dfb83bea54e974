"""FER+ crops pasted into photographs."""

from pathlib import Path

import numpy as np
import pytest

from mien.vision.boxes import Detections
from training.detector import pasted_faces
from training.detector.augment import Sample
from training.detector.pasted_faces import PastedFaces, load_pasted_faces, paste_faces, save_pasted_faces
from training.emotion import data

CROPS = PastedFaces(
    np.full((1, 48, 48), 250, np.uint8),
    np.array([[0.1, 0.0, 0.9, 1.0]], np.float32),
    np.array([[[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.75], [0.65, 0.75]]], np.float32),
    np.zeros(1, np.bool_),
)


def test_pasted_faces_are_labelled_where_they_lie_and_touch_no_other_face() -> None:
    face = np.array([[60, 50, 90, 90]], np.float32)
    ground = Sample(np.zeros((150, 200, 3), np.uint8), face, np.zeros((1, 5, 2), np.float32), np.zeros(1, np.bool_))
    dark = np.full((150, 200, 3), 40, np.uint8)
    pasted = 0
    for seed in range(30):
        seen = paste_faces(ground, CROPS, dark, np.random.default_rng(seed))
        assert len(seen.boxes) == len(seen.landmarks) == len(seen.ignore)
        for (x1, y1, x2, y2), marks in zip(seen.boxes[1:], seen.landmarks[1:], strict=True):
            pasted += 1
            middle = seen.picture[int(y1 + y2) // 2, int(x1 + x2) // 2]
            assert middle.max() > 100  # the bright crop, not the dark patch or the black ground
            assert (marks[:, 0] > x1).all()
            assert (marks[:, 1] < y2).all()
            assert min(x2, 90) <= max(x1, 60) or min(y2, 90) <= max(y1, 50)
    assert pasted > 20
    assert not ground.picture.any()  # a cached photograph is never painted on


def test_hard_crops_are_shown_more_often_than_they_are_frequent() -> None:
    hard = np.arange(100) == 7
    crops = PastedFaces(np.zeros((100, 48, 48), np.uint8), np.zeros((100, 4)), np.zeros((100, 5, 2)), hard)
    rng = np.random.default_rng(3)
    share = np.mean([crops.pick(rng) == 7 for _ in range(2000)])
    assert 0.15 < share < 0.26


class Sure:
    """A teacher that finds one face in the middle of every crop."""

    def detect(self, picture: np.ndarray, long_side: int) -> Detections:
        middle = np.array([[long_side / 4, long_side / 4, long_side * 3 / 4, long_side * 3 / 4]], np.float32)
        return Detections(middle, np.array([0.9], np.float32), np.full((1, 5, 2), long_side / 2, np.float32))


@pytest.fixture
def _faces(monkeypatch: pytest.MonkeyPatch) -> None:
    votes = np.zeros((3, 10), np.int64)
    votes[1, pasted_faces.NO_FACE] = 8
    found = data.Faces(np.arange(3, dtype=np.uint8).repeat(48 * 48).reshape(3, 48, 48), votes, np.zeros(3, np.int64))
    monkeypatch.setattr(data, "load", lambda *_: found)


@pytest.mark.usefixtures("_faces")
def test_crops_are_labelled_by_the_teacher_and_those_without_a_face_left_out(tmp_path: Path) -> None:
    save_pasted_faces(tmp_path / "faces.npz", tmp_path, Sure())
    made = load_pasted_faces(tmp_path / "faces.npz")
    assert made.images[:, 0, 0].tolist() == [0, 2]
    np.testing.assert_allclose(made.boxes, [[0, 0, 1, 1]] * 2, atol=1e-6)
    np.testing.assert_allclose(made.landmarks, 0.5, atol=1e-6)
    assert not made.hard.any()


@pytest.mark.usefixtures("_faces")
def test_without_a_teacher_crops_get_the_usual_box_and_no_landmarks(tmp_path: Path) -> None:
    save_pasted_faces(tmp_path / "faces.npz", tmp_path, None, limit=1)
    made = load_pasted_faces(tmp_path / "faces.npz")
    np.testing.assert_array_equal(made.boxes, [pasted_faces.USUAL_BOX])
    assert np.isnan(made.landmarks).all()
    assert made.hard.all()
