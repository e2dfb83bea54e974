"""The models committed under model_store/ are complete and documented."""

import pytest

from mien.domain import LABELS, LabelSet
from mien.store import ModelStore, StoredModel
from tests.models.conftest import STORE

MODELS = ModelStore(STORE).models
IDS = [f"{model.name}-{model.version}" for model in MODELS]


def test_the_store_has_both_models() -> None:
    assert [model.name for model in MODELS] == ["emotion", "face-detector"]


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_a_model_is_complete_and_documented(model: StoredModel) -> None:
    assert len(model.read_graph()) < 12 * 2**20
    assert model.directory.name == model.version
    assert model.directory.parent.name == model.name
    for key in ("dataset", "licence", "metrics", "recipe"):
        assert model.manifest[key]
    card = (model.directory / "CARD.md").read_text(encoding="utf-8")
    assert len(card.split()) > 200
    assert "Licence" in card or "licence" in card


@pytest.mark.parametrize("model", [model for model in MODELS if model.name == "emotion"], ids=lambda one: one.version)
def test_the_emotion_heads_have_the_published_labels(model: StoredModel) -> None:
    heads = model.section("heads")
    for labels in (LabelSet.FERPLUS8, LabelSet.FER2013):
        assert set(heads[labels]["labels"]) == set(LABELS[labels])
        assert 0.3 < heads[labels]["temperature"] < 3


def test_the_detector_names_a_threshold() -> None:
    assert 0.05 < ModelStore(STORE).pick("face-detector").section("detector")["threshold"] < 0.95
