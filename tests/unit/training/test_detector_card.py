"""From detections to the figures, and from those to the card."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.detector.aims import aims
from training.detector.card import card
from training.detector.data import parse
from training.detector.evaluate import Result, measure
from training.detector.history import History, read
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
    made = {
        "iterations": [9, 4, 2],
        "segments": ["from iteration 0, at abc: python -m train"],
        "runs": ["runs/a", "runs/b"],
    }
    told = History("In {iterations} iterations.", "Not to the byte.")
    text = card({"version": "7", "provisional": False, "licence": "None.", "trained_by": made}, measured, told)
    assert text.startswith("# face-detector 7\n")
    assert "| **AP50, 16 px and more** | 0.500 | 2 |" in text
    assert "| 90 |" not in text.split("### Turned")[0]
    assert "| recall, `fast` | 0.25 |" in text
    assert "# from iteration 0, at abc\npython -m train" in text
    assert "| YuNet-n |" not in text
    assert "In 9, 4 and 2 iterations." in text
    assert "--ship runs/b/int8.onnx --runs runs/a runs/b" in text


def test_the_card_names_what_was_asked_and_missed(measured: dict[str, Any]) -> None:
    text = aims(measured)
    assert "| AP50, 24 px and more, 640 (n = 2) | at least 0.94 | 0.97 | 0.500 | **no** |" in text
    assert (
        "| jitter of a still face's box over its side, 320 | at most 1.5 % | 0.8 % | 0.40 % | yes, and the aim |"
        in text
    )
    assert "YuNet" not in text
    beside = {**measured, "peer": measured["ours"], "time": {"320": {"ours": {"median": 1.0}, "peer": {"median": 2.0}}}}
    assert "YuNet-n less 0.005, or more | at least 0.495 | 0.5 | 0.500 | yes, and the aim |" in aims(beside)
    assert "| time at 320x320 over YuNet-n's, one thread | at most 1 | 0.6 | 0.50 | yes, and the aim |" in aims(beside)


def test_history_is_told_of_the_right_run_only(tmp_path: Path) -> None:
    file = tmp_path / "history.md"
    file.write_text("runs/a\n\nOn pictures.\n\n---\n\nStopped once.\n")
    assert read("runs/a", file) == History("On pictures.", "Stopped once.")
    with pytest.raises(SystemExit, match="write there how runs/b was made"):
        read("runs/b", file)
