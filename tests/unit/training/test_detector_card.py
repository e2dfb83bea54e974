"""From detections to the figures, and from those to the card."""

from typing import Any

import numpy as np
import pytest

from training.detector.card import card
from training.detector.data import parse
from training.detector.evaluate import Result, measure
from training.detector.measurements import headline
from training.detector.predictor import Detections

FACE, ELSEWHERE = [100, 50, 140, 100], [300, 50, 340, 100]


def _result(source: str, *found: tuple[list[float], float]) -> Result:
    faces = [] if source == "objects" else [{"box": [100, 50, 40, 50], "human_box": [100, 50, 40, 50]}]
    row = {"file": "a", "width": 640, "height": 480, "source": source, "faces": faces}
    boxes = np.array([box for box, _ in found], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score in found], np.float32)
    return Result(parse(row, 10), 1.0, Detections(boxes, scores, np.zeros((len(found), 5, 2), np.float32)))


@pytest.fixture
def measured() -> dict[str, Any]:
    results = [_result("fddb", (FACE, 0.9), (ELSEWHERE, 0.6)), _result("fddb"), _result("objects", (FACE, 0.55))]
    for result in results:
        result.photograph.landmarks[:] = 3.0
    part = measure(results, 0.5, shipped=0.58)
    spent = {"median": 1.0, "p10": 0.9}
    return {
        "ours": {"320": part, "640": part},
        "peer": None,
        "thresholds": {"640": 0.58, "320": 0.58},
        "time": {"320": {"ours": spent}},
        "served": [
            {"mode": mode, "long_side": side, "recall": 0.5, "faces": 2, "fp_a_picture": 0.3333, "pictures": 3}
            | {"fp_a_face_free_picture": 0.0, "face_free_pictures": 1}
            for mode, side in (("fast", 320), ("accurate", 640))
        ],
        "turned": [{"long_side": 320, "faces": 2, "rows": [{"degrees": 90, "recall": 0.25, "landmark_error": 0.1}]}],
        "large": [{"long_side": 320, "rows": [{"share": 0.6, "n": 2, "recall": 0.5}]}],
        "jitter": [{"long_side": 320, "faces": 2, "found": 1.0, "mean": 0.004, "p95": 0.01}],
    }


def test_figures_are_those_of_the_detections(measured: dict[str, Any]) -> None:
    part = measured["ours"]["320"]
    assert part["all"]["ap50"] == 0.5
    assert part["at_least_24"]["faces"] == 2
    assert part["face_free_pictures"] == 1
    assert part["failures"]["by_source"]["fddb"] == {"faces": 2, "missed": 1, "wrong": 1}
    assert part["failures"]["by_source"]["objects"]["wrong"] == 0  # 0.55 is under the shipped 0.58
    figures = headline(measured)
    assert figures["at_320"]["fp_a_picture_at_threshold"] == pytest.approx(1 / 3, abs=1e-4)
    assert figures["at_320"]["jitter_of_side"] == 0.004


def test_the_card_says_what_was_measured_and_leaves_an_absent_peer_out(measured: dict[str, Any]) -> None:
    made = {"iterations": [9, 4], "segments": ["from iteration 0, at abc: python -m train"]}
    text = card({"version": "7", "provisional": False, "licence": "None.", "trained_by": made}, measured)
    assert text.startswith("# face-detector 7\n")
    assert "| **AP50, 16 px and more** | 0.500 | 2 |" in text
    assert "| 90 |" not in text.split("### Turned")[0]
    assert "| recall, `fast` | 0.25 |" in text
    assert "# from iteration 0, at abc\npython -m train" in text
    assert "| YuNet-n |" not in text
