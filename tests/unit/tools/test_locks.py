from pathlib import Path

import pytest

from tests.unit.tools.conftest import ROOT, Edit
from tools.checks import locks

BASE = "requirements/base.txt"


def test_the_locks_of_this_repository_are_well() -> None:
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
        "left-pad>=1.0",
        "-e .",
    ],
)
def test_a_line_that_is_no_pin_is_found(checkout: Path, line: str) -> None:
    with (checkout / BASE).open("a") as file:
        file.write(f"{line}\n")
    (problem,) = locks.problems(checkout)
    assert line.strip() in problem


def test_a_pin_without_a_hash_is_found(checkout: Path) -> None:
    with (checkout / BASE).open("a") as file:
        file.write("left-pad==1.0\n")
    assert any("no hash" in problem for problem in locks.problems(checkout))


def test_a_dependency_added_without_a_lock_is_found(checkout: Path, edit: Edit) -> None:
    edit("pyproject.toml", ('    "fastapi>=', '    "left-pad>=1",\n    "fastapi>='))
    found = locks.problems(checkout)
    assert [problem.split(":")[0] for problem in found] == [
        f"requirements/{name}.txt" for name in ("base", "test", "train")
    ]


def test_a_floor_raised_without_a_lock_is_found(checkout: Path, edit: Edit) -> None:
    edit("pyproject.toml", ('"ruff>=', '"ruff>=99.'))
    (problem,) = locks.problems(checkout)
    assert "make lock" in problem


def test_a_lock_that_differs_from_the_services_is_found(checkout: Path, edit: Edit) -> None:
    edit("requirements/test.txt", ("\nanyio==", "\nanyio==0."))
    (problem,) = locks.problems(checkout)
    assert "another anyio" in problem
