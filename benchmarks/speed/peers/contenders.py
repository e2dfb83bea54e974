"""The libraries that are measured, and the process of each."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.speed.peers.programs import Unavailable

ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENTS = ROOT / ".venv-peers"


@dataclass(frozen=True)
class Contender:
    """A row of the table: ``program`` is a module of ``programs``, ``setting`` what its ``load`` is told."""

    title: str
    program: str
    setting: str = ""

    @property
    def python(self) -> Path:
        """The interpreter that the library is installed for."""
        return Path(sys.executable) if self.program == "mien" else ENVIRONMENTS / self.program / "bin" / "python"

    @property
    def installation(self) -> str:
        """The command that makes the environment."""
        return f"make {ENVIRONMENTS.name}/{self.program}/.ready"


OURS = (Contender("Mien, `auto`", "mien", "auto"), Contender("Mien, `fast`", "mien", "fast"))
PEERS = (
    Contender("`fer` 25.10.3, default detector", "fer"),
    Contender("`mediapipe` 0.10.21, faces only", "mediapipe"),
    Contender("YuNet-n at 320 px, mini-XCEPTION's shape", "yunet", "320"),
    Contender("YuNet-n at 640 px, mini-XCEPTION's shape", "yunet", "640"),
    Contender("`uniface` 4.2.1, RetinaFace and its emotions", "uniface"),
)


@dataclass(frozen=True)
class Measured:
    """Of one run: pictures per second of processor time and on the clock, and faces in one pass."""

    rate: float
    clock_rate: float
    faces: int


class Process:
    """``contender`` loaded in a process on one core; it waits for files until the ``with`` block ends.

    Raises:
        Unavailable: its environment or something else that it needs is missing.
    """

    def __init__(self, contender: Contender, log: Path) -> None:
        if not contender.python.exists():
            raise Unavailable(f"not installed: `{contender.installation}`")
        command = [str(contender.python), "-m", "benchmarks.speed.peers.worker"]
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                [*command, contender.program, contender.setting],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
            )
        self._log = log
        try:
            told = self._answer()
        except Unavailable:
            self.close()
            raise
        if "unavailable" in told:
            self.close()
            raise Unavailable(told["unavailable"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def measure(self, files: Sequence[Path], seconds: float) -> Measured:
        """Analyse the files for so many seconds, and once at least.

        Raises:
            Unavailable: the process has ended.
        """
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # there is no answer then
            self._process.stdin.write(json.dumps({"files": [str(file) for file in files], "seconds": seconds}) + "\n")
            self._process.stdin.flush()
        told = self._answer()
        pictures = told["pictures"]
        return Measured(pictures / told["cpu"], pictures / told["seconds"], told["faces"])

    def close(self) -> None:
        """End the process."""
        with suppress(BrokenPipeError):
            self._process.communicate(timeout=30)  # closes its standard input, which ends its loop

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            last = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise Unavailable(f"it failed: {last[0]}")
        return dict(json.loads(line))
