from itertools import combinations

import numpy as np
import pytest

from mien.domain import LABELS, LabelSet
from mien.render.palette import BLACK, EMOTION_COLOURS, WHITE, bgr, contrast, ink

# Colours as seen without red or green cones (Viénot 1999), on linear RGB.
BLINDNESS = {
    "protan": [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]],
    "deutan": [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]],
}


def test_every_label_has_a_colour() -> None:
    assert {label for labels in LABELS.values() for label in labels} == set(EMOTION_COLOURS)
    assert set(LABELS[LabelSet.FERPLUS8]) == set(EMOTION_COLOURS)


def test_colours_are_in_opencv_order() -> None:
    assert bgr("sad") == (0xB2, 0x72, 0x00)
    assert bgr("unknown") == (0xD0, 0xD0, 0xD0)


@pytest.mark.parametrize("emotion", EMOTION_COLOURS)
def test_words_are_legible_on_their_colour(emotion: str) -> None:
    assert contrast(bgr(emotion), ink(bgr(emotion))) >= 4.5


def test_contrast_is_that_of_wcag() -> None:
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    assert contrast(WHITE, WHITE) == pytest.approx(1)
    assert contrast((0x77, 0x77, 0x77), WHITE) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("kind", BLINDNESS)
def test_colours_stay_apart_without_red_or_green_cones(kind: str) -> None:
    matrix = np.array(BLINDNESS[kind])
    seen = {
        emotion: np.clip(matrix @ (np.array(bgr(emotion)[::-1]) / 255) ** 2.2, 0, 1) ** (1 / 2.2)
        for emotion in EMOTION_COLOURS
    }
    closest = min(float(np.linalg.norm(seen[a] - seen[b])) for a, b in combinations(seen, 2))
    assert closest > 0.1
