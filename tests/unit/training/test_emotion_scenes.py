"""Figures of the way through the detector are kept only while detector and crop are as they were."""

from pathlib import Path

from mien.store import ModelStore
from training.emotion import scenes

STORE = Path("model_store")


def test_figures_of_this_detector_and_crop_are_kept_and_others_are_not() -> None:
    detector = ModelStore(STORE).pick("face-detector").manifest["sha256"]
    kept = {"detector_sha256": detector, "framing": scenes.FRAMING, "rows": []}
    assert scenes.still_true(kept, STORE) == kept
    assert scenes.still_true({**kept, "detector_sha256": "another"}, STORE) is None
    assert scenes.still_true({**kept, "framing": {**scenes.FRAMING, "tighter": 1.0}}, STORE) is None
    assert scenes.still_true({"detector_sha256": detector, "rows": []}, STORE) is None  # from before it was recorded
    assert scenes.still_true(None, STORE) is None


def test_the_cards_in_the_store_were_measured_with_the_crop_that_the_service_makes() -> None:
    for version in ("2", "3"):
        metrics = ModelStore(STORE).pick("emotion", version).manifest["metrics"]
        assert scenes.still_true(metrics["through_detector"], STORE) is not None
