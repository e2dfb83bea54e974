"""The wheel that the image serves from, built of what .dockerignore lets through, holds all that is needed."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import cv2
import pytest
import skimage.data

from tests.unit.deploy.manifests import ROOT
from tools.checks.image import Ignore
from tools.checks.tracked import tracked_files

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")


@pytest.fixture(scope="module")
def sources() -> list[str]:
    """The files that the image's build is sent."""
    ignore = Ignore((ROOT / ".dockerignore").read_text())
    return [name for name in tracked_files(ROOT) if (ROOT / name).is_file() and not ignore.matches(name)]


@pytest.fixture(scope="module")
def wheel(sources: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    for name in sources:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    build = [*PIP, "wheel", "-qq", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", "wheels", "."]
    subprocess.run(build, cwd=folder, check=True)
    (built,) = (folder / "wheels").glob("mien-*.whl")
    return built


def test_it_holds_every_file_of_the_service_and_the_models(wheel: Path, sources: list[str]) -> None:
    with zipfile.ZipFile(wheel) as packed:
        held = set(packed.namelist())
    assert {name.removeprefix("service/") for name in sources if name.startswith("service/")} <= held
    assert {f"mien/{name}" for name in sources if name.startswith("model_store/")} <= held


def test_installed_alone_it_finds_its_models_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    install = [*PIP, "--python", environment / "bin/python", "install", "-qq", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    # The dependencies of these tests, but not this checkout: the .pth file of an editable install is not read there.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    cv2.imwrite(str(elsewhere / "astronaut.png"), cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR))
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("MIEN_", "PYTHONPATH"))}
    command = [environment / "bin/mien", "predict", "--json", "astronaut.png"]
    run = subprocess.run(command, cwd=elsewhere, env=settings, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert [face["emotion"] for face in json.loads(run.stdout)["faces"]] == ["happy"]
    assert (packages / "mien/model_store/emotion").is_dir()
    assert not (tmp_path / "model_store").exists()
