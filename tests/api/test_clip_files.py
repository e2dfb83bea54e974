"""A clip is on the disk once, and is removed with its request."""

import os
import stat
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from mien.api.admission import AdmissionGate
from mien.app import create_app
from mien.domain import AnalyzeOptions, Frame, FrameResult
from mien.errors import InferenceFailed
from tests.api.live import connection_to, post_head, problem, serving, settings, state_of, wait_until
from tests.clips import PatchEngine, moving, steps, write_clip
from tests.fakes import FakeEngine

MP4 = {"content-type": "video/mp4"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", steps(25), moving(25)).read_bytes()


@contextmanager
def spooling(folder: Path, engine: FakeEngine) -> Iterator[tuple[httpx.Client, AdmissionGate]]:
    app = create_app(settings(spool_dir=folder, spool_memory_bytes=1, workers=1), engine)
    with serving(app) as client:
        yield client, state_of(app).clip_gate


def bytes_in(folder: Path) -> int:
    """What lies there, files that are open but have no name included; each counts once."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            if str(descriptor.readlink()).startswith(str(folder)):
                paths.append(descriptor)
        except OSError:
            continue
    found = [os.stat(path) for path in paths]  # noqa: PTH116
    return sum({(one.st_dev, one.st_ino): one.st_size for one in found if stat.S_ISREG(one.st_mode)}.values())


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at the process's own files")
@pytest.mark.parametrize("form", ["raw", "multipart"])
def test_a_clip_is_stored_once(clip: bytes, tmp_path: Path, form: str) -> None:
    gate = threading.Event()
    engine = FakeEngine(gate=gate)
    body = {"content": clip, "headers": MP4} if form == "raw" else {"files": {"file": ("clip.mp4", clip)}}
    with spooling(tmp_path, engine) as (client, _), ThreadPoolExecutor(1) as pool:
        try:
            answer = pool.submit(client.post, "/analyze-video", **body)  # type: ignore[arg-type]
            wait_until(lambda: engine.seen)
            held = bytes_in(tmp_path)
        finally:
            gate.set()
        answer.result().raise_for_status()
        assert held == len(clip)
        wait_until(lambda: not list(tmp_path.iterdir()))


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson", "video/mp4"])
def test_nothing_stays_after_an_answer(clip: bytes, tmp_path: Path, accept: str) -> None:
    with spooling(tmp_path, PatchEngine()) as (client, gate):
        client.post("/analyze-video", content=clip, headers={**MP4, "accept": accept}).raise_for_status()
        wait_until(lambda: not list(tmp_path.iterdir()))
        assert (gate.uploading, gate.admitted) == (0, 0)


def test_nothing_stays_after_an_error(clip: bytes, tmp_path: Path) -> None:
    with spooling(tmp_path, FakeEngine(error=InferenceFailed("broken"))) as (client, gate):
        problem(client.post("/analyze-video", content=clip, headers=MP4), 500, "inference_failed")
        problem(client.post("/analyze-video", content=clip[:1000], headers=MP4), 422, "corrupt_media")
        problem(client.post("/analyze-video", content=b"", headers=MP4), 400, "invalid_request")
        problem(client.post("/analyze-video", files=[("file", clip)] * 2), 400, "invalid_field")
        problem(client.post("/analyze-video", files={"other": clip}), 400, "invalid_field")
        problem(client.post("/analyze-video", content=clip, headers={"content-type": "a/b"}), 415, "unsupported_media")
        wait_until(lambda: not list(tmp_path.iterdir()))
        assert (gate.uploading, gate.admitted) == (0, 0)


class FillsTheDisk(PatchEngine):
    """By the time that the clip is analysed, there is no room left for the annotated one."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def _result(self, frame: Frame, options: AnalyzeOptions) -> FrameResult:
        (own,) = self._folder.iterdir()
        target = own / "annotated.mp4"
        if not target.is_symlink():
            target.symlink_to("/dev/full")
        return super()._result(frame, options)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_a_disk_that_fills_up_while_the_clip_is_drawn(clip: bytes, tmp_path: Path) -> None:
    with spooling(tmp_path, FillsTheDisk(tmp_path)) as (client, gate):
        answer = client.post("/analyze-video", content=clip, headers={**MP4, "accept": "video/mp4"})
        assert "annotated clip" in problem(answer, 507, "storage_full")["detail"]
        wait_until(lambda: not list(tmp_path.iterdir()))
        assert (gate.uploading, gate.admitted) == (0, 0)


def test_nothing_stays_after_a_disconnect(clip: bytes, tmp_path: Path) -> None:
    engine = FakeEngine()
    with spooling(tmp_path, engine) as (client, gate):
        with connection_to(client) as connection:
            connection.sendall(post_head(len(clip), "Content-Type: video/mp4\r\n", "/analyze-video") + clip[:-1])
            wait_until(lambda: gate.uploading == 1 and list(tmp_path.rglob("clip-*")))
        wait_until(lambda: not list(tmp_path.iterdir()))
        assert engine.seen == gate.uploading == 0


@pytest.mark.parametrize("accept", ["application/json", "text/csv", "application/x-ndjson", "image/png", "video/mp4"])
def test_the_analysis_of_a_clip_stops_when_its_client_disconnects(clip: bytes, tmp_path: Path, accept: str) -> None:
    gate = threading.Event()
    engine = FakeEngine(gate=gate)
    head = post_head(len(clip), f"Content-Type: video/mp4\r\nAccept: {accept}\r\n", "/analyze-video?fps=native")
    with spooling(tmp_path, engine) as (client, work):
        try:
            with connection_to(client) as connection:
                connection.sendall(head + clip)
                wait_until(lambda: engine.seen == 1)
            time.sleep(0.2)
        finally:
            gate.set()
        wait_until(lambda: not work.admitted and not list(tmp_path.iterdir()))
        assert engine.seen == 1


def test_a_missing_spool_folder_is_reported(clip: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    with spooling(folder, FakeEngine()) as (client, gate):
        folder.rmdir()
        for path, kind in (("/analyze-video", "video/mp4"), ("/predict", "image/png")):
            answer = client.post(path, content=clip, headers={"content-type": kind})
            assert "no place to store the upload" in problem(answer, 507, "storage_full")["detail"]
        assert (gate.uploading, gate.admitted) == (0, 0)
