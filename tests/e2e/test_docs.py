"""The examples of the documentation, run as a reader would: beside a photograph and a clip, against a live service.

The reader has the environment that ``make run`` makes in ``.venv``, and has not put it on the PATH.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.server import Server

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:8000"
COMMAND = re.compile(r"^(?:\S*/)?mien ", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """One fenced block that speaks to the service or calls its command."""

    page: str
    line: int
    language: str
    code: str


def examples() -> list[Example]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in BLOCK.finditer(text):
            language, code = block.groups()
            if ADDRESS in code or COMMAND.search(code):
                found.append(Example(page.name, text.count("\n", 0, block.start()) + 1, language, code))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, astronaut: bytes, pan: Path) -> Path:
    folder = tmp_path_factory.mktemp("reader")
    (folder / "photo.jpg").write_bytes(astronaut)
    (folder / "clip.mp4").write_bytes(pan.read_bytes())
    (folder / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    return folder


@pytest.fixture(scope="module")
def path() -> str:
    """The PATH of somebody who has not activated the environment, whoever runs the tests."""
    own = Path(sys.executable).parent
    return os.pathsep.join(entry for entry in os.environ["PATH"].split(os.pathsep) if Path(entry) != own)


@pytest.mark.parametrize("example", examples(), ids=lambda example: f"{example.page}:{example.line}")
def test_an_example_works(example: Example, folder: Path, path: str, server: Server) -> None:
    code = example.code.replace(ADDRESS, server.url.rstrip("/"))
    command = [sys.executable, "-c", code] if example.language == "python" else ["bash", "-euo", "pipefail", "-c", code]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"


def test_the_pages_have_examples() -> None:
    assert len(examples()) >= 10
    assert {found.page for found in examples() if COMMAND.search(found.code)} == {"README.md", "api.md", "video.md"}
