"""What an edition takes for faces, sorted by what the teacher says."""

import numpy as np

from training.detector.data import parse
from training.detector.mine import LONG_SIDES, mistakes
from training.detector.predictor import Detections

LABELLED, WRONG, DOUBTFUL = [10, 10, 30, 30], [50, 10, 70, 30], [10, 50, 30, 70]


class Sees:
    """A detector that sees the same boxes at every size."""

    def __init__(self, *boxes: list[float]) -> None:
        self.boxes = np.array(boxes, np.float32).reshape(-1, 4)
        self.asked: list[int] = []

    def detect(self, picture: np.ndarray, long_side: int) -> Detections:
        self.asked.append(long_side)
        return Detections(self.boxes, np.full(len(self.boxes), 0.6, np.float32), np.zeros((len(self.boxes), 5, 2)))


def test_finds_without_a_label_are_wrong_or_doubtful_by_the_teachers_word() -> None:
    row = {"file": "a", "width": 90, "height": 90, "source": "street", "faces": [{"box": [10, 10, 20, 20]}]}
    detector = Sees(LABELLED, WRONG, DOUBTFUL)
    found = mistakes(parse(row, 1), np.zeros((90, 90, 3), np.uint8), detector, Sees([12, 50, 32, 70]))
    assert found == {"wrong": [WRONG], "doubtful": [DOUBTFUL]}
    assert detector.asked == list(LONG_SIDES)


def test_a_photograph_understood_has_no_mistakes() -> None:
    row = {"file": "a", "width": 90, "height": 90, "source": "street", "faces": [{"box": [10, 10, 20, 20]}]}
    found = mistakes(parse(row, 1), np.zeros((90, 90, 3), np.uint8), Sees(LABELLED), Sees())
    assert found == {"wrong": [], "doubtful": []}
