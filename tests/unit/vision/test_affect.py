import pytest

from mien.domain import LABELS
from mien.vision.affect import VALENCE, is_uncertain, valence


def test_every_label_has_a_valence() -> None:
    assert {label for labels in LABELS.values() for label in labels} == set(VALENCE)


def test_valence_is_the_expectation() -> None:
    assert valence({"happy": 1.0, "sad": 0.0}) == pytest.approx(0.81)
    assert valence({"happy": 0.5, "sad": 0.5}) == pytest.approx((0.81 - 0.63) / 2)


@pytest.mark.parametrize(
    ("scores", "uncertain"),
    [
        ({"happy": 0.9, "sad": 0.1}, False),
        ({"happy": 0.52, "sad": 0.48}, True),
        ({"happy": 0.44, "sad": 0.2, "angry": 0.2, "fear": 0.16}, True),
        ({"happy": 0.46, "sad": 0.3, "angry": 0.24}, False),
    ],
)
def test_a_toss_up_is_uncertain(scores: dict[str, float], uncertain: bool) -> None:
    assert is_uncertain(scores) is uncertain
