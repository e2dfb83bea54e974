"""The examples of the documentation, run as a reader would: beside a photograph and a clip, against a live service.

The reader has the environment that ``make run`` makes in ``.venv``, and has not put it on the PATH.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.server import Server

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"^```(sh|python|js)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:8000"
COMPAT_ADDRESS = "127.0.0.1:8001"
WHOLE_PAGES = ("python.md", "research.md", "migrate.md", "command-line.md", "getting-started.md", "pictures.md")
"""Every block of these is run."""
SOCKET = ADDRESS.replace("http", "ws")
# What the examples in JavaScript leave to the reader.
PRELUDE = """
import { readFileSync } from "node:fs";
const nextFrame = () => readFileSync("photo.jpg");
const show = ([face]) => process.exit(face.person === 1 && face.emotion === "happy" ? 0 : 1);
setTimeout(() => process.exit(2), 20000);
"""
COMMAND = re.compile(r"^(?:\S*/)?mien ", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """One fenced block that calls the service or its command."""

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
            if page.name in WHOLE_PAGES or ADDRESS in code or SOCKET in code or COMMAND.search(code):
                found.append(Example(page.name, text.count("\n", 0, block.start()) + 1, language, code))
    return _joined(found)


def _joined(found: list[Example]) -> list[Example]:
    """The Python blocks of one of ``WHOLE_PAGES`` as one program: every process loads the models anew."""
    joined: dict[tuple[str, str], Example] = {}
    rest = []
    for example in found:
        key = (example.page, example.language)
        if example.page not in WHOLE_PAGES or example.language != "python":
            rest.append(example)
        elif key in joined:
            joined[key] = replace(joined[key], code=f"{joined[key].code}\n{example.code}")
        else:
            joined[key] = example
    return rest + list(joined.values())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, astronaut: bytes, pan: Path) -> Path:
    folder = tmp_path_factory.mktemp("reader")
    (folder / "docs").symlink_to(ROOT / "docs", target_is_directory=True)
    (folder / "photo.jpg").write_bytes(astronaut)
    (folder / "clip.mp4").write_bytes(pan.read_bytes())
    (folder / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    return folder


@pytest.fixture(scope="module")
def path() -> str:
    """The PATH without this environment, which a reader has not activated."""
    own = Path(sys.executable).parent
    return os.pathsep.join(entry for entry in os.environ["PATH"].split(os.pathsep) if Path(entry) != own)


@pytest.fixture(scope="module")
def compat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that answers the interfaces of others too."""
    names = "deepface,google-vision,rekognition"
    with Server(tmp_path_factory.mktemp("compat"), {"MIEN_COMPAT": names}) as server:
        yield server


@pytest.mark.parametrize("example", examples(), ids=lambda example: f"{example.page}:{example.line}")
def test_an_example_works(
    example: Example, folder: Path, path: str, server: Server, request: pytest.FixtureRequest
) -> None:
    url = server.url.rstrip("/")
    code = example.code.replace(ADDRESS, url).replace(SOCKET, url.replace("http", "ws"))
    if COMPAT_ADDRESS in code:
        other: Server = request.getfixturevalue("compat")
        code = code.replace(COMPAT_ADDRESS, other.url.removeprefix("http://").rstrip("/"))
    if example.language == "js" and not shutil.which("node"):
        pytest.skip("no Node.js here")
    command = {
        "python": [sys.executable, "-c", code],
        "sh": ["bash", "-euo", "pipefail", "-c", code],
        "js": ["node", "--experimental-websocket", "--input-type=module", "-e", PRELUDE + code],
    }[example.language]
    result = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, f"{code}\n{result.stdout}\n{result.stderr}"


def test_the_answer_in_the_readme_is_what_its_example_gives(server: Server) -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    (printed,) = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    files = {"file": ("astronaut.jpg", (ROOT / "docs/images/astronaut.jpg").read_bytes())}
    answer = server.client.post("/predict", files=files).raise_for_status().json()
    assert close(answer["images"], json.loads(printed)["images"])
    assert answer["models"] == json.loads(printed)["models"]


def test_the_answer_for_a_clip_is_that_of_its_example(server: Server, pan: Path) -> None:
    page = (ROOT / "docs" / "video.md").read_text(encoding="utf-8")
    (printed,) = map(json.loads, re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    with pan.open("rb") as clip:
        answer = server.client.post("/analyze-video?fps=1", files={"file": clip}).raise_for_status().json()
    for member in ("video", "timeline", "people", "summary", "models"):
        assert close(answer[member], printed[member]), member
    assert answer.keys() == printed.keys()
    assert answer["timing_ms"].keys() == printed["timing_ms"].keys()


def close(one: Any, other: Any) -> bool:
    """Equal, but for the numbers: processors round them in different ways."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(close, one, other))
    if isinstance(one, float):
        return bool(abs(one - other) < (0.02 if abs(other) <= 1 else 2))
    return bool(one == other)


def test_the_pages_have_examples() -> None:
    assert len(examples()) >= 10
    assert {found.page for found in examples()} == {
        "README.md",
        "api.md",
        "jobs.md",
        "live.md",
        "operations.md",
        "video.md",
        *WHOLE_PAGES,
    }
    with_commands = {found.page for found in examples() if COMMAND.search(found.code)}
    assert with_commands == {
        "command-line.md",
        "getting-started.md",
        "live.md",
        "pictures.md",
        "research.md",
        "video.md",
    }


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "examples").iterdir() if path.is_file()))
def test_a_program_in_examples_works(name: str, folder: Path, server: Server) -> None:
    program = {".py": sys.executable, ".mjs": shutil.which("node")}[Path(name).suffix]
    if program is None:
        pytest.skip("no Node.js here")
    arguments = {
        "clip_plot.py": ["clip.mp4"],
        "folder_on_a_server.py": [server.url, "."],
        "predict.mjs": [server.url, "photo.jpg"],
    }[name]
    command = [program, str(ROOT / "examples" / name), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=True)
    assert "happy" in done.stdout
