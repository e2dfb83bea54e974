"""The table of shapes: what is written is read, and only what nothing beats stands out."""

from dataclasses import replace
from pathlib import Path

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
