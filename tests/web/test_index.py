"""The page in a real browser, with a real server around a fake engine. Needs Chromium, which .ci/run installs."""

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response

import mien.api.pages
from mien.app import create_app
from mien.domain import NEVER_CANCELLED, AnalyzeOptions, Cancellation, Frame, FrameResult
from tests.api.live import picture, serving, settings
from tests.fakes import FakeEngine

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# As root, in CI, there is no sandbox; the rest keeps the browser from talking to its maker.
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")

HARNESS = """
async function picture(width) {
  const answer = await fetch(`test/picture/${width}`);
  return new File([await answer.blob()], `${width}.png`, { type: "image/png" });
}

function drop(file) {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(file);
  document.querySelector("#drop").dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
}

async function until(met) {
  while (!met()) await pause(10);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const all = (selector) => [...document.querySelectorAll(selector)];
const message = document.querySelector("#message");
let said;
try {
  said = await scene();
} catch (error) {
  said = String(error);
}
await fetch("test/said", { method: "POST", body: JSON.stringify(said) });
"""


class SlowOnes(FakeEngine):
    """Finds as many faces as the picture's width says (64: one, 80: two), in the first only when released."""

    def __init__(self) -> None:
        super().__init__()
        self.release = threading.Event()

    def analyze(
        self, frames: Iterable[Frame], options: AnalyzeOptions, cancellation: Cancellation = NEVER_CANCELLED
    ) -> Iterator[FrameResult]:
        for frame in frames:
            if frame.width == 64:
                self.release.wait(10)
            self.faces = 1 if frame.width == 64 else 2
            yield self._result(frame, options)


def said_by(scene: str, tmp_path: Path) -> Any:
    """What ``scene``, the body of an asynchronous function, returns when it runs in the page."""
    engine = SlowOnes()
    app = create_app(settings(workers=1), engine)
    heard: queue.Queue[Any] = queue.Queue()
    _stage(app, engine, heard, f"async function scene() {{ {scene} }}{HARNESS}")
    with serving(app) as client, browsing(f"{client.base_url}/test", tmp_path):
        try:
            return heard.get(timeout=60)
        finally:
            engine.release.set()


def _stage(app: FastAPI, engine: SlowOnes, heard: "queue.Queue[Any]", script: str) -> None:
    page = (Path(mien.api.pages.__file__).parent / "static/index.html").read_text(encoding="utf-8")
    page += '<script type="module" src="test/script.js"></script>'

    @app.get("/test")
    async def shown() -> Response:
        return Response(page, media_type="text/html", headers=mien.api.pages._HEADERS)

    @app.get("/test/script.js")
    async def acted() -> Response:
        return Response(script, media_type="text/javascript")

    @app.get("/test/picture/{width}")
    async def pictured(width: int) -> Response:
        return Response(picture(width=width), media_type="image/png")

    @app.get("/test/release")
    async def released() -> None:
        engine.release.set()

    @app.post("/test/said")
    async def told(request: Request) -> None:
        heard.put(json.loads(await request.body()))


@contextmanager
def browsing(address: str, folder: Path) -> Iterator[None]:
    assert CHROMIUM is not None
    command = [CHROMIUM, *FLAGS, *QUIET, f"--user-data-dir={folder}", "--remote-debugging-port=0", address]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as browser:
        try:
            yield
        finally:
            browser.terminate()


def test_a_dropped_picture_is_shown_with_its_faces(tmp_path: Path) -> None:
    scene = """
        drop(await picture(80));
        await until(() => message.textContent.includes("faces"));
        await until(() => all("#stage img").every((image) => image.naturalWidth === 80));
        return [all("#stage img").length, all("#stage .face").length, all("#faces tbody tr").length];
    """
    assert said_by(scene, tmp_path) == [1, 2, 2]


def test_the_picture_dropped_last_is_the_one_that_is_shown(tmp_path: Path) -> None:
    scene = """
        drop(await picture(64));
        drop(await picture(80));
        await until(() => message.textContent.includes("faces"));
        await fetch("test/release");
        await pause(1000);
        return [message.textContent.split(" in ")[0], all("#stage img").map((image) => image.alt),
            all("#stage .face").length, all("#faces tbody tr").length];
    """
    assert said_by(scene, tmp_path) == ["2 faces", ["80.png"], 2, 2]
