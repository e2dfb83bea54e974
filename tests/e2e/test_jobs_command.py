"""``mien jobs`` against a live server, and what a shell completes."""

import json
import os
import subprocess
from pathlib import Path

import av
import pytest

from tests.e2e.server import MIEN, Server


def run(*arguments: str | Path, code: int = 0) -> str:
    done = subprocess.run([MIEN, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout + (done.stderr if code else "")


def test_a_job_from_a_terminal(server: Server, pan: Path, tmp_path: Path) -> None:
    jobs = ("jobs", "--url", server.url)
    job = run(*jobs, "submit", pan, "--fps", "4", "--annotated", "--redact").strip()
    assert run(*jobs, "watch", job).splitlines()[-1].startswith("succeeded")
    answer = json.loads(run(*jobs, "result", job))
    assert answer["video"]["frames_analyzed"] == len(answer["timeline"])
    run(*jobs, "result", job, "--format", "mp4", "-o", tmp_path / "job.mp4")
    with av.open(str(tmp_path / "job.mp4")) as file:
        assert sum(1 for _ in file.decode(video=0)) == answer["video"]["frames_decoded"]
    assert "cancelled" in run(*jobs, "cancel", job)
    assert "--annotated" in run(*jobs, "submit", pan, "--redact", code=2)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["mien", "pre"], "predict"),
        (["mien", "predict", "--res"], "--resume"),
        (["mien", "video", "--smoothing", "e"], "ema"),
        (["mien", "jobs", "sub"], "submit"),
    ],
)
def test_the_shell_completes(words: list[str], expected: str) -> None:
    variables = {"_MIEN_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run([MIEN], env={**os.environ, **variables}, capture_output=True, text=True, check=True)
    assert done.stdout == f"plain,{expected}\n"
