"""A decoder that a file has taken over can open nothing, reach nothing and start nothing."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from mien.sandbox import confinement, landlock
from mien.sandbox.messages import Done
from mien.sandbox.pool import DecoderPool
from tests.unit.sandbox.conftest import started

LACKING = confinement.lacking()

ALONE = """
import errno, os, sys
from mien.sandbox import confinement
confinement._prctl(38, 1)
assert {call}
try:
    open(sys.argv[1], "rb")
except PermissionError as error:
    print(errno.errorcode[error.errno])
"""


def attempts(pool: DecoderPool, path: Path) -> Mapping[str, str]:
    """What a decoder with a descriptor of ``path`` gets when it tries more."""
    with path.open("rb") as file, started(pool, "attempt", str(path).encode(), (file.fileno(),)) as session:
        message = session.receive()
    assert isinstance(message, Done)
    return dict(pair.split("=") for pair in message.body.decode().split(";"))


@pytest.mark.skipif(bool(LACKING), reason=f"this system lacks {LACKING}")
def test_nothing_can_be_opened_connected_started_or_lifted(pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"content")
    refused = attempts(pool, path)
    assert {name for name, outcome in refused.items() if outcome == "allowed"} == set()
    assert set(refused) == {
        *("read", "write", "again", "list", "remove", "inet", "unix", "program", "fork", "kill", "limits"),
    }
    assert [entry.name for entry in tmp_path.iterdir()] == ["clip.mp4"]


def test_the_file_handed_over_can_be_read(pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"content")
    with path.open("rb") as file, started(pool, "read_handed_over", b"", (file.fileno(),)) as session:
        path.unlink()
        assert session.receive() == Done(b"content")


@pytest.mark.skipif("landlock" in LACKING, reason="this kernel has no Landlock")
def test_landlock_alone_keeps_files_closed(tmp_path: Path) -> None:
    assert landlock.version() >= 1
    assert alone("__import__('mien.sandbox.landlock', fromlist=['x']).deny_everything()", tmp_path) == "EACCES"


@pytest.mark.skipif("seccomp" in LACKING, reason="this system has no seccomp filters, or no libseccomp")
def test_seccomp_alone_keeps_files_closed(tmp_path: Path) -> None:
    assert alone("__import__('mien.sandbox.seccomp', fromlist=['x']).allow_decoding_only()", tmp_path) == "EPERM"


def alone(call: str, folder: Path) -> str:
    """The error with which a file cannot be opened after ``call``."""
    path = folder / "file"
    path.write_bytes(b"")
    command = [sys.executable, "-c", ALONE.format(call=call), str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def test_keys_in_the_environment_stay_with_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_API_KEYS", "secret")
    with closing(DecoderPool(["tests.unit.sandbox.misbehaviour"], 1)) as pool:
        pool.warm_up()
        assert pool._server is not None
        server = psutil.Process(pool._server.pid)
        for process in (server, *server.children()):
            assert "MIEN_API_KEYS" not in process.environ()


def test_what_is_missing_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with closing(DecoderPool(["tests.unit.sandbox.without_seccomp"], 1)) as pool:
        pool.warm_up()
        pool.warm_up()
    assert caplog.text.count("run without") == 1
    assert "seccomp" in caplog.text


PARENT = """
import time
from contextlib import closing
from mien.sandbox.pool import DecoderPool
pool = DecoderPool(["tests.unit.sandbox.misbehaviour"], 2)
pool.warm_up()
with closing(pool.session("spin")) as session:
    session.start()
    print(pool._server.pid, flush=True)
    time.sleep(60)
"""


def test_a_killed_service_leaves_no_process() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, env=environment()
    ) as parent:
        assert parent.stdout is not None
        server = psutil.Process(int(parent.stdout.readline()))
        family = [server, *server.children()]
        assert len(family) == 2
        parent.kill()
    _, alive = psutil.wait_procs(family, timeout=10)
    deadline = time.monotonic() + 5
    while any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family):
        assert time.monotonic() < deadline, alive
        time.sleep(0.02)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
