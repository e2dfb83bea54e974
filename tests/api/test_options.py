"""Every option reaches the engine, and an error names the wrong one."""

import time
from typing import Any

import httpx
import pytest

from mien.domain import AnalyzeOptions, DetectorMode, LabelSet
from tests.api.live import picture, problem, serving_fake
from tests.fakes import FakeEngine

PNG = picture()


def test_defaults_and_choices_reach_the_engine() -> None:
    engine = FakeEngine(faces=3)
    with serving_fake(engine) as client:
        before = time.monotonic()
        client.post("/predict", content=PNG).raise_for_status()
        assert engine.options == AnalyzeOptions()
        assert engine.cancellation.deadline == pytest.approx(before + 60, abs=2), "the service's own"
        client.post("/predict?deadline_ms=3600000", content=PNG).raise_for_status()
        assert engine.cancellation.deadline == pytest.approx(before + 60, abs=2), "a caller's is no later"
        before = time.monotonic()
        query: dict[str, Any] = {
            "detector": "accurate",
            "min_face": 40,
            "min_confidence": 0.7,
            "max_faces": 2,
            "labels": "basic7",
            "deadline_ms": 5000,
        }
        answer = client.post("/predict", params=query, content=PNG).raise_for_status()
        assert len(answer.json()["images"][0]["faces"]) == 2
        assert engine.cancellation.deadline is not None
        assert before < engine.cancellation.deadline - 5 < time.monotonic()
        assert engine.options == AnalyzeOptions(DetectorMode.ACCURATE, 40, 0.7, 2, LabelSet.BASIC7, False)


def test_explain_reaches_the_engine_where_a_picture_is_drawn() -> None:
    engine = FakeEngine()
    with serving_fake(engine) as client:
        client.post("/predict?explain=true", content=PNG, headers={"accept": "image/png"}).raise_for_status()
    assert engine.options.explain


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("detector", "slow"),
        ("min_face", "0"),
        ("min_face", "nan"),
        ("min_face", "inf"),
        ("min_confidence", "1.01"),
        ("min_confidence", "-0.1"),
        ("max_faces", "0"),
        ("max_faces", "1001"),
        ("max_faces", "many"),
        ("labels", "ferplus9"),
        ("explain", "perhaps"),
        ("redact", "2"),
        ("deadline_ms", "0"),
        ("deadline_ms", "-5"),
    ],
)
def test_a_wrong_value_is_named(client: httpx.Client, name: str, value: str) -> None:
    body = problem(client.post("/predict", params={name: value}, content=PNG), 422, "invalid_option")
    assert body["field"] == name
    assert name in body["detail"]


def test_an_unknown_option_is_named_and_the_known_ones_listed(client: httpx.Client) -> None:
    body = problem(client.post("/predict?colour=red", content=PNG), 422, "invalid_option")
    assert body["field"] == "colour"
    for name in ("detector", "min_face", "min_confidence", "max_faces", "labels", "explain", "redact", "deadline_ms"):
        assert name in body["detail"]
