"""The Makefile, with a stand-in for the environment; `make test` itself sets up a real one."""

import os
import sys
import time
from pathlib import Path

import pytest

from tests.unit.tools.conftest import make


@pytest.fixture
def ready(checkout: Path) -> Path:
    """A clone whose environment is set up; its `mien` prints its arguments."""
    programs = checkout / ".venv/bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (programs / "mien").write_text('#!/bin/sh\necho mien "$@"\n')
    (programs / "mien").chmod(0o755)
    (checkout / ".venv/.checkout").write_text(str(checkout))
    (checkout / ".venv/.base").touch()
    return checkout


def test_a_second_run_starts_at_once(ready: Path) -> None:
    started = time.perf_counter()
    run = make(ready, "run")
    taken = time.perf_counter() - started
    assert (run.returncode, run.stdout, run.stderr) == (0, "mien serve\n", "")
    assert taken < 1  # 0.02 s on an idle machine


def test_host_and_port_are_passed_on(ready: Path) -> None:
    assert make(ready, "run", "HOST=::1", "PORT=9000").stdout == "mien serve --host ::1 --port 9000\n"


@pytest.mark.parametrize("changed", ["requirements/base.txt", "pyproject.toml"])
def test_a_changed_lock_sets_up_again(ready: Path, changed: str) -> None:
    later = time.time() + 10
    os.utime(ready / changed, (later, later))
    plan = make(ready, "--dry-run", "run").stdout
    assert "--require-hashes" in plan
    assert "-m venv" not in plan


def test_a_moved_checkout_sets_up_again(ready: Path) -> None:
    moved = ready.with_name("moved")
    ready.rename(moved)
    assert "-m venv" in make(moved, "--dry-run", "run").stdout


def test_the_error_names_a_python_that_is_too_old(checkout: Path) -> None:
    old = checkout / "old python"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)
    run = make(checkout, "setup", f"PYTHON={old}")
    assert run.returncode != 0
    assert "needs Python 3.11 or newer" in run.stderr
    assert "3.9.2" in run.stderr


def test_make_alone_lists_the_targets(ready: Path) -> None:
    listed = make(ready).stdout
    for target in ("setup", "run", "test", "check", "bench", "lock"):
        assert f"make {target} " in listed
