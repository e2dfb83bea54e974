"""The card's rows judge figures as they are printed, and its text keeps its width."""

import numpy as np
import pytest

from training.common.aims import Aim
from training.common.markdown import refilled, table
from training.emotion.card.diagram import reliability_diagram


@pytest.mark.parametrize(
    ("measured", "met"),
    [(89.194, "**no**"), (89.196, "yes"), (90.5, "yes, and the aim"), (None, "not measured")],
)
def test_accuracy_meets_from_above(measured: float | None, met: str):
    assert Aim("A", 89.2, 90.5, measured, "%").met == met


@pytest.mark.parametrize(
    ("measured", "met"),
    [(2.004, "yes"), (2.01, "**no**"), (1.5, "yes, and the aim"), (-1, "yes, and the aim")],
)
def test_losses_meet_from_below(measured: float, met: str):
    assert Aim("loss", 2.0, 1.5, measured, "points", fewer=True).met == met


def test_a_row_without_an_aim_leaves_its_cell_empty():
    assert Aim("mirror", 0.02, None, 0.0181, "", 4, fewer=True).cells() == (
        "mirror",
        "at most 0.02",
        "",
        "0.0181",
        "yes",
    )


def test_seeds_are_shown_with_their_spread():
    shown = Aim("A", 89.2, 90.5, 89.5, "%", seeds=(89.5, 89.1)).cells()[3]
    assert shown == "89.50 % (2 seeds: 89.10 to 89.50, sd 0.28)"
    assert "seeds" not in Aim("A", 89.2, 90.5, 89.5, "%", seeds=(89.5,)).cells()[3]


def test_text_is_refilled_and_tables_and_code_are_not():
    word = "lorem " * 60
    rows = table(("a", "b"), [("x" * 130, "y")])
    code = "```sh\n" + "z " * 80 + "\n- q\n```"
    text = refilled(f"## Head\n\n{word}\n\n- {word}\n- short\n\n{rows}\n\n{code}\n")
    lines = text.splitlines()
    assert all(len(line) <= 120 for line in lines if "|" not in line and "z" not in line)
    assert rows in text
    assert code in text
    assert "- short" in lines
    assert sum(line.startswith("  lorem") for line in lines) >= 2  # the item's further lines are indented


def test_the_diagram_shows_where_the_bins_are_right():
    bins = [(0, 0.0, 0.0)] * 14 + [(10, 0.97, 0.5)]
    picture = reliability_diagram(bins, "test")
    assert picture.dtype == np.uint8
    empty = reliability_diagram([(0, 0.0, 0.0)] * 14 + [(1, 0.97, 0.0)], "test")
    changed = np.argwhere((picture != empty).any(axis=2))
    assert len(changed) > 100
    assert changed[:, 1].min() > picture.shape[1] * 0.75  # only the last bin differs
