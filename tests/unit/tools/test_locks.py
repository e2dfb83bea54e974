from pathlib import Path

import pytest

from tests.unit.tools.conftest import ROOT, Edit
from tools.checks import locks

BASE = "requirements/base.txt"


def test_the_locks_of_this_repository_have_no_problem() -> None:
    assert locks.problems(ROOT) == []


@pytest.mark.parametrize(
    "line",
    [
        "-i https://example.org/index",
        "--extra-index file:///srv/index",
        "-f /srv/wheels",
        "# from https://example.org/index",
        "#   -c /srv/checkout/requirements/base.txt",
        "left-pad @ https://example.org/left-pad.whl",
        "left-pad @ file:/srv/left-pad.whl",
        "-e .",
    ],
)
def test_an_address_or_an_option_is_found(checkout: Path, line: str) -> None:
    with (checkout / BASE).open("a") as file:
        file.write(f"{line}\n")
    (problem,) = locks.problems(checkout)
    assert line in problem


def test_a_dependency_added_without_a_lock_is_found(checkout: Path, edit: Edit) -> None:
    edit("pyproject.toml", ('    "fastapi>=', '    "left-pad>=1",\n    "fastapi>='))
    found = locks.problems(checkout)
    assert [problem.split(":")[0] for problem in found] == [
        f"requirements/{name}.txt" for name in ("base", "test", "train")
    ]


def test_a_minimum_raised_without_a_lock_is_found(checkout: Path, edit: Edit) -> None:
    edit("pyproject.toml", ('"ruff>=', '"ruff>=99.'))
    (problem,) = locks.problems(checkout)
    assert "make lock" in problem


def test_a_lock_that_differs_from_that_of_the_service_is_found(checkout: Path, edit: Edit) -> None:
    edit("requirements/test.txt", ("\nanyio==", "\nanyio==0."))
    assert any("another anyio" in problem for problem in locks.problems(checkout))


def test_a_pinned_torch_is_found(checkout: Path, edit: Edit) -> None:
    edit("requirements/train.txt", ("\nanyio==", "\ntorch==2.13.0\nanyio=="))
    (problem,) = locks.problems(checkout)
    assert "torch" in problem
