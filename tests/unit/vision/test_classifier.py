import numpy as np
import pytest

from mien.domain import LABELS, LabelSet
from mien.errors import ModelUnreadable
from mien.vision.classifier import VALENCE, ClassifierSpec, EmotionClassifier, Head, Logits, is_uncertain, valence
from tests.unit.vision.stubs import session

EIGHT, SEVEN = LABELS[LabelSet.FERPLUS8], LABELS[LabelSet.FER2013]


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
def test_scores_sum_to_one_in_the_published_order(labels: LabelSet) -> None:
    scores = classifier().decode(logits(fear=3.0, sad=1.0), labels)
    assert tuple(scores) == LABELS[labels]
    assert sum(scores.values()) == pytest.approx(1, abs=1e-12)


def test_seven_and_five_labels_are_the_eight_without_contempt_regrouped() -> None:
    output = logits(fear=2.0, disgust=1.0, angry=0.5, contempt=3.0)
    eight, seven, five = (
        classifier().decode(output, labels) for labels in (LabelSet.FERPLUS8, LabelSet.BASIC7, LabelSet.BASIC5)
    )
    rest = 1 - eight["contempt"]
    assert seven["fear"] == pytest.approx(eight["fear"] / rest)
    assert five["surprise"] == pytest.approx(seven["surprise"] + seven["fear"] + seven["disgust"])
    assert five["angry"] == pytest.approx(seven["angry"])


def test_contempt_alone_leaves_numbers() -> None:
    scores = classifier().decode(logits(contempt=5000.0), LabelSet.BASIC7)
    assert sum(scores.values()) == pytest.approx(1)


def test_each_head_has_its_own_temperature() -> None:
    output = logits(happy=2.0)
    crowd = classifier(temperature=4.0).decode(output, LabelSet.FERPLUS8)
    assert crowd["happy"] / crowd["sad"] == pytest.approx(np.exp(2 / 4))
    seven = classifier().decode(output, LabelSet.FER2013)
    assert seven["happy"] / seven["sad"] == pytest.approx(np.exp(2 / 2))


def test_labels_are_read_by_the_manifest_order() -> None:
    reversed_labels = classifier(eight=EIGHT[::-1])
    output = Logits(np.asarray([9, 0, 0, 0, 0, 0, 0, 0], np.float32), np.zeros(7, np.float32), np.zeros((8, 2, 2)))
    assert reversed_labels.decode(output, LabelSet.FERPLUS8)["contempt"] > 0.99


def test_crops_become_one_batch_in_order() -> None:
    output = classifier().run([np.full((48, 48), value, np.uint8) for value in (1, 5, 3)])
    assert [float(one.ferplus8[1]) for one in output] == [1, 5, 3]


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


def test_a_constant_activation_does_not_divide_by_zero() -> None:
    assert not classifier().activation(logits(), "happy").any()


@pytest.mark.parametrize(
    "heads",
    [
        {},
        {"ferplus8": {"output": "a", "labels": list(EIGHT), "temperature": 1.0}},
        {
            "ferplus8": {"output": "a", "labels": list(EIGHT), "temperature": 1.0},
            "fer2013": {"output": "b", "labels": list(EIGHT), "temperature": 1.0},
        },
        {"ferplus8": {"output": "a", "labels": [[name] for name in EIGHT], "temperature": 1.0}},
        {"ferplus8": {"output": "a", "labels": list(EIGHT), "temperature": 0.0}},
        {"ferplus8": {"output": "a", "labels": list(EIGHT), "temperature": float("nan")}},
    ],
)
def test_an_error_names_a_missing_or_unknown_head(heads: dict[str, object]) -> None:
    with pytest.raises(ModelUnreadable, match="heads"):
        ClassifierSpec.from_manifest(heads)


def test_every_label_has_a_valence() -> None:
    assert {label for labels in LABELS.values() for label in labels} == set(VALENCE)


def test_valence_is_the_expectation() -> None:
    assert valence({"happy": 1.0, "sad": 0.0}) == pytest.approx(0.81)
    assert valence({"happy": 0.5, "sad": 0.5}) == pytest.approx((0.81 - 0.63) / 2)


@pytest.mark.parametrize(
    ("scores", "uncertain"),
    [
        ({"happy": 0.9, "sad": 0.1}, False),
        ({"happy": 0.52, "sad": 0.48}, False),
        ({"happy": 0.5, "sad": 0.3, "angry": 0.2}, False),
        ({"happy": 0.49, "sad": 0.3, "angry": 0.21}, True),
    ],
)
def test_below_half_of_the_votes_is_uncertain(scores: dict[str, float], uncertain: bool) -> None:
    assert is_uncertain(scores) is uncertain
