"""``mien serve`` in a process."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

MIEN = Path(sys.executable).with_name("mien")


class Server:
    """Started at ``with``, stopped after it. ``ready_seconds`` is the time from process start to readiness."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str] | None = None, command: Sequence[str] = (str(MIEN),)
    ) -> None:
        self.log = folder / "server.log"
        self.ready_seconds = 0.0
        self._environment = {"MIEN_DATA_DIR": str(folder / "data"), **(environment or {})}
        self._command = command

    def __enter__(self) -> Self:
        command = [*self._command, "serve", "--port", "0", "--log-format", "json"]
        started = time.monotonic()
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stderr=log, env={**os.environ, **self._environment})
        self.url = self._wait_for("listening")["url"]
        self.client = httpx.Client(base_url=self.url, timeout=30)
        while self.client.get("/health/ready").status_code != 200:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() - started < 60, "never ready"
            time.sleep(0.01)
        self.ready_seconds = time.monotonic() - started
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self.stop()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def _wait_for(self, message: str) -> dict[str, str]:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for line in self.log.read_text().splitlines(keepends=True):
                if line.endswith("\n") and line.startswith("{") and (found := json.loads(line))["message"] == message:
                    return dict(found)
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.01)
        raise AssertionError(f"{message!r} never appeared in the log")
