"""The decoder processes of a running service end with it, however it ends."""

import signal
from pathlib import Path

import psutil
import pytest

from mien.sandbox.pool import SUPPORTED
from tests.clips import moving, steps, write_clip
from tests.e2e.server import Server

pytestmark = pytest.mark.skipif(not SUPPORTED, reason="decoder processes need Linux")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_them(tmp_path: Path, how: signal.Signals) -> None:
    clip = write_clip(tmp_path / "clip.mp4", steps(25), moving(25)).read_bytes()
    with Server(tmp_path) as server:
        server.client.post("/analyze-video", content=clip).raise_for_status()
        family = psutil.Process(server.process.pid).children(recursive=True)
        assert len(family) >= 2, "a fork server and a worker"
        server.process.send_signal(how)
        assert server.process.wait(20) == (0 if how is signal.SIGTERM else -how)
        _, alive = psutil.wait_procs(family, timeout=10)
        assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
