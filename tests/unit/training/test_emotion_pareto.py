"""The table of shapes: what is written is read, and only what nothing beats stands out."""

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from training.emotion import pareto
from training.emotion.card.shapes import shapes

SMALL = pareto.Candidate("small", "runs/a", 100.0, 1.0, 60, 60, 0, 86.0, 0.2, 0.15)
LARGE = pareto.Candidate("large", "runs/b", 250.0, 3.0, 60, 60, 2, 89.0, 0.5, 0.45)
BEATEN = pareto.Candidate("beaten", "runs/c", 160.0, 2.0, 60, 60, 0, 85.0, 0.3, 0.25)


def test_candidates_come_back_cheapest_first(tmp_path: Path):
    file = tmp_path / "pareto.toml"
    pareto.write([LARGE, SMALL, BEATEN], file)
    assert pareto.read(file) == [SMALL, BEATEN, LARGE]


def test_only_what_nothing_beats_is_bold():
    text = shapes([SMALL, BEATEN, LARGE])
    assert "**`small`**" in text
    assert "**`large`**" in text
    assert "| `beaten` |" in text
    assert "Lengths differ" not in text
    assert "Lengths differ" in shapes([SMALL, replace(LARGE, epochs_in_all=200)])


def test_equals_do_not_beat_each_other():
    twin = replace(SMALL, run="runs/d")
    assert pareto.unbeaten([SMALL, twin]) == {SMALL, twin}


def test_the_repository_s_own_table_can_be_read():
    assert "shapes" in shapes(pareto.read()) or "multiply-adds" in shapes(pareto.read())


def test_a_better_run_of_a_shape_takes_the_place_of_the_older_one_and_all_are_timed_together(
    monkeypatch: pytest.MonkeyPatch,
):
    def race_shapes(names: Iterable[str], batches: tuple[int, ...]) -> dict[str, dict[str, float]]:
        assert batches == (1, 32)
        return {name: {"batch_1": 0.1234, "batch_32": 0.05, "batch_1_fast": 0.1} for name in names}

    monkeypatch.setitem(sys.modules, "training.emotion.shape_race", SimpleNamespace(race_shapes=race_shapes))
    better = replace(SMALL, run="runs/new", protocol_a=90.0)
    rows = pareto.timed([SMALL, LARGE, better])
    assert [(row.shape, row.protocol_a, row.batch_1, row.batch_32) for row in rows] == [
        ("small", 90.0, 0.123, 0.05),
        ("large", 89.0, 0.123, 0.05),
    ]


def test_shapes_are_timed_without_a_run():
    pytest.importorskip("torch", reason="torch is only installed where models are trained")
    from training.emotion.shape_race import race_shapes

    times = race_shapes(["m32-48-96-256-i192"], (1,))
    assert times["m32-48-96-256-i192"]["batch_1"] > 0
