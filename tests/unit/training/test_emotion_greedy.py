"""A greedy average (needs torch)."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is only installed where models are trained")
pytest.importorskip("onnx", reason="onnx is only installed where models are trained")

from training.common import checkpoint  # noqa: E402
from training.emotion import data, greedy  # noqa: E402
from training.emotion.greedy import Averages, choose  # noqa: E402
from training.emotion.model import ZOO, EmotionNet, NetShape, Stage, Stem, build  # noqa: E402

TINY = NetShape(stem=(Stem(4, 2),), stages=(Stage(6, 1, 2),))


def faces(count: int = 40) -> data.Faces:
    """Faces of which all raters say the same, a different emotion each time."""
    rng = np.random.default_rng(0)
    votes = np.zeros((count, 10), np.int64)
    votes[np.arange(count), np.arange(count) % 8] = 10
    return data.Faces(rng.integers(0, 256, (count, 48, 48), dtype=np.uint8), votes, np.arange(count) % 7)


def nets(count: int) -> list[EmotionNet]:
    torch.manual_seed(0)
    return [EmotionNet(TINY).eval() for _ in range(count)]


def test_the_best_comes_first_and_who_does_not_help_stays_out():
    worth = {(0,): 0.5, (1,): 0.7, (2,): 0.6, (3,): 0.4, (1, 2): 0.65, (0, 1): 0.7, (0, 1, 3): 0.8}
    assert choose(4, lambda chosen: worth[chosen]) == (0, 1, 3)


def test_what_one_half_chooses_is_judged_on_the_other(monkeypatch: pytest.MonkeyPatch):
    """Candidates that are right by chance alone: the choice looks better where it was made than it is."""
    averages = Averages(nets(2), faces(4000))
    chance = np.random.default_rng(1)
    luck: dict[tuple[int, ...], np.ndarray] = {}

    def hits(chosen: tuple[int, ...]) -> np.ndarray:
        return luck.setdefault(chosen, chance.random(4000) < 0.5)

    monkeypatch.setattr(averages, "hits", hits)
    monkeypatch.setattr(averages, "_nets", [None] * 200)
    everyone = np.ones(4000, np.bool_)
    assert hits(averages.chosen_on(everyone)).mean() > 0.515
    assert averages.honest() == pytest.approx(0.5, abs=0.02)


def test_the_average_is_written_with_how_it_was_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(ZOO, "tiny", TINY)
    monkeypatch.setattr(data, "load", lambda *_: faces())
    runs = []
    for seed in range(3):
        torch.manual_seed(seed)
        runs.append(tmp_path / f"run{seed}")
        net = build("tiny")
        checkpoint.save(
            runs[-1] / "last.pt",
            {"config": {"shape": "tiny", "seed": seed}, "epoch": 2, "ema": net.state_dict(), "net": net.state_dict()},
        )
    made = tmp_path / "made"
    monkeypatch.setattr(sys, "argv", ["greedy", "--run", str(made), "--of", *map(str, runs)])
    greedy.main()
    event = json.loads((made / "log.jsonl").read_text())
    assert event["chosen_from"] == 3
    assert 0 <= event["protocol_a_at_other_half"] <= 100
    mean, _ = event["protocol_a_of_candidates"]
    assert event["protocol_a"] >= mean
    state = checkpoint.load(made / "last.pt")
    assert state["epoch"] == 2 * len(event["parts"])
