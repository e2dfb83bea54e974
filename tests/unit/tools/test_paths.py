import subprocess
from pathlib import Path

import pytest

from tools.checks import paths


@pytest.mark.parametrize("path", ["/" + "work/shared/data", "'/" + "root/.cache'", "/" + "opt/wheels"])
def test_a_path_of_one_machine_is_found(checkout: Path, path: str) -> None:
    (checkout / "notes.md").write_text(f"fine\nsee {path}\n")
    assert paths.problems(checkout) == []  # not tracked yet
    subprocess.run(["git", "add", "notes.md"], cwd=checkout, check=True)
    (problem,) = paths.problems(checkout)
    assert problem.startswith("notes.md:2:")


def test_relative_and_similar_paths_are_not(checkout: Path) -> None:
    work = "work"
    (checkout / "notes.md").write_text(f"../shared/{work}/x, ~/{work}/x, /working, tests/root/x, ./{work}/y\n")
    subprocess.run(["git", "add", "notes.md"], cwd=checkout, check=True)
    assert paths.problems(checkout) == []
