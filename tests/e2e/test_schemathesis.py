"""Schemathesis against a running service: every answer is as the OpenAPI document says."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.server import Server

HERE = Path(__file__).parent
MIN_CASES = 1500


def test_schemathesis_finds_no_failure(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("schemathesis")), "--no-color"]
    command += ["--config-file", str(HERE / "schemathesis.toml"), "run", "--checks", "all"]
    hooks = {"SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_hooks.py")}
    # The document says how many pictures a request may have; requests of 64 would take most of the time.
    with Server(tmp_path, {"MIEN_MAX_PICTURES": "4"}) as server:
        command += [f"{server.url}/openapi.json"]
        done = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, **hooks}, capture_output=True, text=True, timeout=300, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"([\d,]+) generated, ([\d,]+) passed", done.stdout)
    assert found is not None, done.stdout
    generated, passed = (int(number.replace(",", "")) for number in found.groups())
    assert generated == passed >= MIN_CASES
