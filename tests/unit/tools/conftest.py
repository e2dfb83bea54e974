import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
COPIED = ("Makefile", "Dockerfile", ".dockerignore", "docker-compose.yml", "pyproject.toml", "deploy", "requirements")


def make(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Without the variables of an outer make, which this one would inherit.
    kept_out = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "HOST", "PORT", "PYTHON"}
    environment = {name: value for name, value in os.environ.items() if name not in kept_out}
    return subprocess.run(["make", *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone, in a path with a space, of what the checks read, with stubs of the rest that the image copies."""
    root = tmp_path / "a clone"
    root.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name)
        else:
            shutil.copy(source, root / name)
    for name in ("README.md", "service/__init__.py", "model_store/emotion/1/model.onnx"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("stub\n")
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    subprocess.run(["git", "add", "--all"], cwd=root, check=True)
    return root


Edit = Callable[[str, tuple[str, str]], None]


@pytest.fixture
def edit(checkout: Path) -> Edit:
    """Replace a text that must be in a file of the clone."""

    def replace(name: str, change: tuple[str, str]) -> None:
        old, new = change
        path = checkout / name
        content = path.read_text()
        assert old in content
        path.write_text(content.replace(old, new, 1))

    return replace
