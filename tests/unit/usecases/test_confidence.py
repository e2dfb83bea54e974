import pytest

from mien.domain import AnalyzeOptions, DetectorMode, ModelInfo
from mien.timeline.tracker import TrackThresholds
from mien.usecases.confidence import confidences
from tests.fakes import FakeEngine


class Telling(FakeEngine):
    """An engine with a manifest as the store has it."""

    def models(self) -> tuple[ModelInfo, ...]:
        return (
            ModelInfo("face-detector", "1", False, {"detector": {"threshold": 0.9}}),
            ModelInfo("face-detector", "2", True, {"detector": {"threshold": 0.6, "accurate_threshold": 0.8}}),
        )


def test_more_is_asked_at_first_sight_than_afterwards() -> None:
    asked, bounds = confidences(AnalyzeOptions(), Telling())
    assert asked.min_confidence == pytest.approx(0.6 * 0.6)
    assert bounds.new_track == pytest.approx(0.6 + 0.5 * 0.4)
    assert bounds.keep_track == 0.6


def test_the_accurate_mode_goes_by_its_own_threshold() -> None:
    asked, bounds = confidences(AnalyzeOptions(detector=DetectorMode.ACCURATE), Telling())
    assert asked.min_confidence == pytest.approx(0.6 * 0.8)
    assert bounds.new_track == pytest.approx(0.8 + 0.5 * 0.2)
    assert bounds.keep_track == 0.8


def test_a_caller_who_names_a_confidence_gets_exactly_that() -> None:
    options = AnalyzeOptions(min_confidence=0.3)
    assert confidences(options, Telling()) == (options, TrackThresholds())
    assert confidences(AnalyzeOptions(), FakeEngine()) == (AnalyzeOptions(), TrackThresholds())
