"""A spool folder on a slow disk: requests wait for it, and the event loop does not."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mien.api.uploads import spool
from mien.app import create_app
from tests.api.live import connection_to, picture, post_head, serving, settings, wait_until
from tests.fakes import FakeEngine

SLOW = 0.4


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Makes creating, closing and removing files slow; returns for each whether an event loop's thread did it."""
    on_a_loop: list[bool] = []

    def slow(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            on_a_loop.append(_on_a_loop())
            time.sleep(SLOW)
            return original(*arguments, **named)

        return call

    def named(*arguments: Any, **options: Any) -> Any:
        file = slow(tempfile.NamedTemporaryFile)(*arguments, **options)
        file.close = slow(file.close)
        return file

    monkeypatch.setattr(tempfile, "mkdtemp", slow(tempfile.mkdtemp))
    monkeypatch.setattr(shutil, "rmtree", slow(shutil.rmtree))
    monkeypatch.setattr(spool, "NamedTemporaryFile", named)
    return on_a_loop


def _on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def test_the_event_loop_touches_no_file(slow_disk: list[bool], tmp_path: Path) -> None:
    app = create_app(settings(spool_dir=tmp_path, spool_memory_bytes=1, workers=1), FakeEngine())
    clip = {"content-type": "video/mp4"}
    with serving(app) as client, ThreadPoolExecutor(2) as pool:
        sent = [pool.submit(client.post, "/analyze-video", content=b"no clip", headers=clip) for _ in range(2)]
        with connection_to(client) as connection:  # and one that disconnects half-way
            connection.sendall(post_head(10_000, "Content-Type: video/mp4\r\n", "/analyze-video") + b"x")
            wait_until(lambda: list(tmp_path.rglob("clip-*")))
        slowest = 0.0
        while not all(one.done() for one in sent):
            started = time.monotonic()
            client.get("/health/live").raise_for_status()
            slowest = max(slowest, time.monotonic() - started)
        assert {one.result().status_code for one in sent} == {415}
        wait_until(lambda: not list(tmp_path.iterdir()))
        assert client.post("/predict", content=picture()).status_code == 200
    assert len(slow_disk) >= 6
    assert not any(slow_disk)
    assert slowest < SLOW, "the loop waited for a thread that waits for the disk"
