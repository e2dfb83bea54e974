"""Leftovers of killed processes are removed, and nothing else."""

import asyncio
import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mien.api.uploads.clip_folder import clip_folder, sweep

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is swept where folders cannot be locked")


def aged(folder: Path) -> Path:
    long_ago = time.time() - 3600
    os.utime(folder, (long_ago, long_ago))
    return folder


def holder(parent: Path) -> subprocess.Popen[str]:
    """A process that keeps a clip until it is killed, and has said so."""
    code = f"""
import asyncio
from pathlib import Path
from mien.api.uploads.clip_folder import clip_folder
async def main():
    async with clip_folder(Path({str(parent)!r})) as folder:
        (folder / "clip-x").write_bytes(b"a person")
        print("held", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_folder_is_removed_with_its_request(tmp_path: Path) -> None:
    async def main() -> None:
        async with clip_folder(tmp_path) as folder:
            (folder / "clip-1").write_bytes(b"1")
            assert folder.parent == tmp_path

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        (folder,) = tmp_path.iterdir()
        aged(folder)
        assert sweep(tmp_path) == 0  # its process lives
        assert folder.exists()
        process.kill()
    assert sweep(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_being_made_stays(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.kill()
    assert sweep(tmp_path) == 0
    (folder,) = tmp_path.iterdir()
    aged(folder)
    assert sweep(tmp_path) == 1


def test_other_folders_stay(tmp_path: Path) -> None:
    (tmp_path / "mien-notes").mkdir()
    theirs = tmp_path / "mien-clip-of-the-day"
    theirs.mkdir()
    (theirs / "diary.txt").write_text("dear")
    (tmp_path / "mien-clip-link").symlink_to(theirs)
    (tmp_path / "mien-clip-file").write_text("x")
    for path in tmp_path.iterdir():
        aged(path)
    before = sorted(tmp_path.rglob("*"))
    assert sweep(tmp_path) == 0
    assert sorted(tmp_path.rglob("*")) == before
    assert sweep(tmp_path / "nowhere") == 0


def test_without_locks_clips_are_read_and_nothing_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)

    async def main() -> None:
        async with clip_folder(tmp_path) as folder:
            (folder / "clip-1").write_bytes(b"1")
            aged(folder)
            assert sweep(tmp_path) == 0
            assert (folder / "clip-1").exists()

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


def test_a_disk_error_ends_only_this_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stale(*_: object) -> None:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(Path, "glob", stale)
    assert sweep(tmp_path) == 0
