"""The image serves from a wheel: a page or a type marker that package-data forgets is missing only there."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tools.checks.image import Ignore
from tools.checks.tracked import tracked_files

ROOT = Path(__file__).resolve().parents[3]


def test_the_wheel_holds_every_file_of_the_service(tmp_path: Path) -> None:
    ignore = Ignore((ROOT / ".dockerignore").read_text())
    sent = [name for name in tracked_files(ROOT) if (ROOT / name).is_file() and not ignore.matches(name)]
    for name in sent:
        if name.startswith(("service/", "model_store/", "pyproject", "README")):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    pip = [sys.executable, "-m", "pip", "wheel", "-qq", "--disable-pip-version-check", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--no-build-isolation", "--wheel-dir", "wheels", "."], cwd=tmp_path, check=True)
    (wheel,) = (tmp_path / "wheels").glob("mien-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        held = set(packed.namelist())
    assert {name.removeprefix("service/") for name in sent if name.startswith("service/")} <= held
    assert {f"mien/{name}" for name in sent if name.startswith("model_store/")} <= held
