import numpy as np
import pytest

from mien.domain import LABELS, LabelSet
from mien.errors import ModelUnreadable
from mien.vision.classifier import ClassifierSpec, EmotionClassifier, Head, Logits
from tests.unit.vision.stubs import session

EIGHT, SEVEN = LABELS[LabelSet.FERPLUS8], LABELS[LabelSet.BASIC7]


def classifier(temperature: float = 1.0, eight: tuple[str, ...] = EIGHT) -> EmotionClassifier:
    spec = ClassifierSpec(Head("ferplus", eight, temperature), Head("fer2013", SEVEN, 2.0))

    def answer(images: np.ndarray) -> list[np.ndarray]:
        n = len(images)
        mean = images.reshape(n, -1).mean(axis=1)
        crowd = np.zeros((n, 8), dtype=np.float32)
        crowd[:, 1] = mean
        return [crowd, np.zeros((n, 7), np.float32), np.zeros((n, 8, 6, 6), np.float32)]

    return EmotionClassifier(session(answer), spec)


def logits(**raised: float) -> Logits:
    eight = np.asarray([raised.get(label, 0.0) for label in EIGHT], dtype=np.float32)
    seven = np.asarray([raised.get(label, 0.0) for label in SEVEN], dtype=np.float32)
    return Logits(eight, seven, np.zeros((8, 6, 6), np.float32))


@pytest.mark.parametrize("labels", list(LabelSet))
def test_scores_sum_to_one_and_stand_in_the_published_order(labels: LabelSet) -> None:
    scores = classifier().decode(logits(fear=3.0, sad=1.0), labels)
    assert tuple(scores) == LABELS[labels]
    assert sum(scores.values()) == pytest.approx(1, abs=1e-12)


def test_five_labels_are_summed_from_seven() -> None:
    said = logits(fear=2.0, disgust=1.0, angry=0.5)
    seven = classifier().decode(said, LabelSet.BASIC7)
    five = classifier().decode(said, LabelSet.BASIC5)
    assert five["surprise"] == pytest.approx(seven["surprise"] + seven["fear"] + seven["disgust"])
    assert five["angry"] == seven["angry"]


def test_each_head_has_its_own_temperature() -> None:
    said = logits(happy=2.0)
    crowd = classifier(temperature=4.0).decode(said, LabelSet.FERPLUS8)
    assert crowd["happy"] / crowd["sad"] == pytest.approx(np.exp(2 / 4))
    seven = classifier().decode(said, LabelSet.BASIC7)
    assert seven["happy"] / seven["sad"] == pytest.approx(np.exp(2 / 2))


def test_labels_are_read_by_the_manifest_order() -> None:
    backwards = classifier(eight=EIGHT[::-1])
    said = Logits(np.asarray([9, 0, 0, 0, 0, 0, 0, 0], np.float32), np.zeros(7, np.float32), np.zeros((8, 2, 2)))
    assert backwards.decode(said, LabelSet.FERPLUS8)["contempt"] > 0.99


def test_tiles_become_one_batch_in_order() -> None:
    said = classifier().run(classifier().prepare([np.full((48, 48), value, np.uint8) for value in (1, 5, 3)]))
    assert [float(one.ferplus8[1]) for one in said] == [1, 5, 3]


def test_huge_logits_do_not_overflow() -> None:
    scores = classifier().decode(logits(happy=1e4, sad=-1e4), LabelSet.FERPLUS8)
    assert scores["happy"] == pytest.approx(1)


def test_activation_is_scaled_to_zero_and_one() -> None:
    maps = np.zeros((8, 3, 3), np.float32)
    maps[EIGHT.index("sad")] = np.arange(9).reshape(3, 3) - 4
    heat = classifier().activation(Logits(np.zeros(8, np.float32), np.zeros(7, np.float32), maps), "sad")
    assert heat.min() == 0
    assert heat.max() == 1
    assert heat[2, 2] == 1


def test_a_flat_activation_is_no_division_by_zero() -> None:
    assert not classifier().activation(logits(), "happy").any()


@pytest.mark.parametrize(
    "heads",
    [
        {},
        {"ferplus8": {"output": "a", "labels": list(EIGHT), "temperature": 1.0}},
        {
            "ferplus8": {"output": "a", "labels": list(EIGHT), "temperature": 1.0},
            "basic7": {"output": "b", "labels": list(EIGHT), "temperature": 1.0},
        },
    ],
)
def test_heads_that_are_missing_or_strange_are_named(heads: dict[str, object]) -> None:
    with pytest.raises(ModelUnreadable, match="heads"):
        ClassifierSpec.from_manifest(heads)
